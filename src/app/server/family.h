// Pipelines that started each other: who is above, how many there are. State thread only.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/ports/store.h"
#include "base/result.h"

namespace tidegate::app {

/// True for a child pipeline: one of the same commit, started by a trigger job of its parent.
bool is_child(const Pipeline& pipeline);

/// The pipeline and all above it, the nearest first.
Result<std::vector<Pipeline>> self_and_upstreams(Store& store, PipelineId pipeline);

/// The pipeline itself, or of a child the one that is nobody's child.
Result<Pipeline> head_of(Store& store, PipelineId pipeline);

/// Whether a candidate is at or above this pipeline: then nothing that is protected may come here.
Result<bool> is_untrusted(Store& store, PipelineId pipeline);

/// The source of the data that the candidate in this line was made for; empty: there is none in it.
Result<std::string> data_source_of(Store& store, const std::vector<Pipeline>& line);

/// How many pipelines the whole tree has; counting ends at `at_most`.
Result<std::size_t> family_size(Store& store, PipelineId top, std::size_t at_most);

/// Whether one more pipeline below this line would go round in circles: the same project, ref and source more
/// than twice, children left out. Source: GitLab's CreateDownstreamPipelineService#has_cyclic_dependency?.
bool goes_in_circles(const std::vector<Pipeline>& self_and_upstreams);

}  // namespace tidegate::app
