#include "config/gate_settings.h"

#include <array>

#include "base/text.h"
#include "config/keywords.h"

namespace tidegate::config {
namespace {

constexpr Seconds kLongest{30 * 24 * 3600};
constexpr int kMostInFlight = 16;
constexpr int kMostPerDay = 1000;

constexpr auto kLimits = std::to_array<Keyword>({{"time"}});
constexpr auto kOnFailure = std::to_array<Keyword>({{"diagnose"}, {"longest"}, {"per_day"}, {"flaky"}});
constexpr auto kFlaky = std::to_array<Keyword>({{"reject"}, {"retry"}});

void read_network(const Value& source, GateSettings& out) {
  const auto network = source.find("network");
  if (!network) return;
  const auto words = read_string_or_strings(*network);
  if (!words) return;
  const bool is_list = network->node().is_list();
  if (!is_list && words->front() == "granted") return;
  if (!is_list && words->front() != "none")
    return network->error("invalid-value", "should be granted, none, or a list of names of jobs",
                          "Write network: [build_*] to give it to the jobs that build.");
  out.network = is_list ? *words : std::vector<std::string>();
}

void read_limits(const Value& source, GateSettings& out) {
  const auto limits = source.find("limits");
  if (!limits || !check_map(*limits, kLimits)) return;
  if (const auto time = limits->find("time"))
    out.most_time = read_duration(*time, kLongest).value_or(Seconds{0});
}

void read_on_failure(const Value& source, GateSettings& out) {
  const auto on_failure = source.find("on_failure");
  if (!on_failure || !check_map(*on_failure, kOnFailure)) return;
  if (const auto diagnose = on_failure->find("diagnose"))
    out.diagnose = read_bool(*diagnose).value_or(out.diagnose);
  if (const auto longest = on_failure->find("longest"))
    out.longest = read_duration(*longest, kLongest).value_or(out.longest);
  if (const auto per_day = on_failure->find("per_day"))
    out.per_day = static_cast<int>(read_integer(*per_day, 1, kMostPerDay).value_or(out.per_day));
  if (const auto flaky = on_failure->find("flaky")) out.retry_flaky = read_word(*flaky, kFlaky) == "retry";
}

}  // namespace

GateSettings read_gate_settings(const Value& source) {
  GateSettings out;
  read_network(source, out);
  read_limits(source, out);
  read_on_failure(source, out);
  if (const auto in_flight = source.find("in_flight"))
    out.in_flight = static_cast<int>(read_integer(*in_flight, 1, kMostInFlight).value_or(out.in_flight));
  if (const auto ordered = source.find("ordered")) out.ordered = read_bool(*ordered).value_or(out.ordered);
  return out;
}

}  // namespace tidegate::config
