// id_tokens of a job in a local run.
#pragma once

#include <string>

#include "app/ports/id_tokens.h"
#include "base/time.h"
#include "pipeline/plan.h"

namespace tidegate::app {

/// Adds the tokens to the message's variables, signed with a key that is gone after the run: jobs find a
/// token of the right form, and nobody trusts it. What to tell people, if anything; nothing is done without
/// an issuer.
std::string add_id_tokens(IdTokenIssuer* issuer, const pipeline::PlannedJob& planned, Instant now,
                          pipeline::JobMessage& message);

}  // namespace tidegate::app
