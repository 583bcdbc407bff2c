// MLflow's tracking server over its REST API 2.0.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "app/ports/tracking.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace tidegate::mlflow {

struct Endpoint {
  std::string uri;  ///< MLFLOW_TRACKING_URI: http://host:5000
  std::string user;
  Secret password;
  Secret token;  ///< instead of user and password
};

/// `timeout` is of one request.
std::unique_ptr<app::Tracking> make_tracking(Endpoint endpoint, Millis timeout = Millis{30000});

/// The filter of runs/search: tags.`key` = 'value'. The filter language has no escapes, so kInvalid for a key
/// with a back-tick and for a value that no kind of quotes can hold.
Result<std::string> tag_filter(std::string_view key, std::string_view value);

}  // namespace tidegate::mlflow
