#include "app/deploy/host_session.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/deploy/host_scripts.h"
#include "base/sha256.h"
#include "base/text.h"
#include "release/journal_line.h"

namespace tidegate::app {
namespace {

constexpr Seconds kInstallTimeout{20 * 60};

// "word rest of the line" → both; nothing when the line does not begin so.
std::optional<std::string_view> after(std::string_view line, std::string_view word) {
  if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ') return std::nullopt;
  return line.substr(word.size() + 1);
}

std::string_view take_word(std::string_view& text) {
  const auto space = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, space);
  text.remove_prefix(std::min(space + 1, text.size()));
  return word;
}

std::string said(const RemoteResult& result) {
  auto lines = split(trim(result.err), '\n');
  if (lines.size() > 12) lines.erase(lines.begin(), lines.end() - 12);
  for (auto& line : lines) line = printable(line, 400);
  auto text = join(lines, "\n");
  return text.empty() ? fmt::format("exit {} and no word", result.exit_code) : text;
}

// Hands over whole lines as they come.
class Lines {
 public:
  explicit Lines(const HostSession::OnSay& on_line) : on_line_(on_line) {}
  void add(std::string_view bytes) {
    pending_ += bytes;
    for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      if (const auto line = after(std::string_view(pending_).substr(0, end), "say")) on_line_(*line);
      pending_.erase(0, end + 1);
    }
  }

 private:
  const HostSession::OnSay& on_line_;
  std::string pending_;
};

void read_fact(HostFacts& facts, std::string_view line) {
  if (const auto now = after(line, "now")) facts.now = parse_integer(*now).value_or(0);
  if (const auto lease = after(line, "lease")) facts.lease = *lease;
  if (auto link = after(line, "link")) {
    const std::string member(take_word(*link));
    facts.links[member] = *link;
  }
  if (auto rest = after(line, "release")) {
    StoredRelease stored;
    stored.member = take_word(*rest);
    stored.release = take_word(*rest);
    stored.state = take_word(*rest);
    stored.json = *rest;
    facts.stored.push_back(std::move(stored));
  }
}

Result<HostFacts> read_facts(std::string_view out) {
  constexpr std::string_view kJournal = "\njournal\n";
  const auto journal = out.find(kJournal);
  if (journal == std::string_view::npos)
    return fail(Errc::kFailed, "the host printed something else: " + printable(out));
  HostFacts facts;
  for (const auto& line : split(out.substr(0, journal), '\n')) read_fact(facts, line);
  facts.journal = out.substr(journal + kJournal.size());
  return facts;
}

}  // namespace

Result<std::string> HostSession::call(std::string_view script, std::vector<std::string> arguments,
                                      Millis timeout, const OnSay& say) {
  std::vector<std::string> all = {layout_.root(), token_};
  std::ranges::move(arguments, std::back_inserter(all));
  Lines lines(say);
  std::function<void(std::string_view)> on_output;
  if (say) on_output = [&](std::string_view bytes) { lines.add(bytes); };
  TG_TRY(auto result,
         host_.run(std::string(scripts::kPrelude) + std::string(script), all, timeout, stop_, on_output));
  switch (result.exit_code) {
    case 0:
      return std::move(result.out);
    case scripts::kLeaseLost:
      return fail(Errc::kConflict, said(result));
    case scripts::kUnreachable:
      return fail(Errc::kUnavailable, said(result));
    default:
      return fail(Errc::kFailed, said(result));
  }
}

Result<HostFacts> HostSession::look(bool details) {
  TG_TRY(auto result, host_.run(std::string(scripts::kLook), {layout_.root(), details ? "details" : ""},
                                Seconds{60}, stop_));
  if (result.exit_code != 0) return fail(Errc::kFailed, said(result));
  return read_facts(result.out);
}

Result<HostFacts> HostSession::take_lease(const std::string& seen, const std::string& owner) {
  token_ = random_hex(16);
  const auto script = std::string(scripts::kTake) + "set -- \"$root\" ''\n" + std::string(scripts::kLook);
  TG_TRY(const auto out, call(script, {seen, "300", owner}));
  return read_facts(out);
}

Status HostSession::drop_lease() {
  ignore_stop();
  TG_TRY(const auto out, call(scripts::kDropLease, {}));
  return {};
}

namespace {

void read_preflight(Interpreter& python, std::string_view line) {
  if (const auto free = after(line, "free_kib"))
    python.free_bytes = static_cast<std::uint64_t>(std::max(0LL, parse_integer(*free).value_or(0))) * 1024;
  if (auto rest = after(line, "inodes")) {
    // Some file systems make inodes as they are needed, and say that they have none.
    const auto all = parse_integer(take_word(*rest)).value_or(0);
    const auto free = parse_integer(trim(*rest)).value_or(0);
    if (all > 0) python.free_inodes = static_cast<std::uint64_t>(std::max(0LL, free));
  }
  if (auto rest = after(line, "python")) {
    python.identity = *rest;
    python.version = take_word(*rest);
  }
  if (auto rest = after(line, "abi")) {
    python.abi.version = take_word(*rest);
    python.abi.soabi = take_word(*rest);
    python.abi.platform = take_word(*rest);
    python.abi.glibc = trim(*rest);
  }
  if (const auto key = after(line, "packages")) python.packages.emplace(*key);
  if (const auto pip = after(line, "pip")) python.pip = trim(*pip);
  if (auto hash = after(line, "env")) python.env_sha256 = take_word(*hash);
  if (const auto hash = after(line, "env_before")) python.env_before = trim(*hash);
}

}  // namespace

Result<Interpreter> HostSession::preflight() {
  std::vector<std::string> arguments = {target_.python, target_.env};
  arguments.insert(arguments.end(), target_.releases.begin(), target_.releases.end());
  TG_TRY(const auto out, call(scripts::kPreflight, std::move(arguments)));
  Interpreter python;
  for (const auto& line : split(out, '\n')) read_preflight(python, line);
  if (python.version.empty()) return fail(Errc::kFailed, target_.python + " does not say its version");
  return python;
}

Result<std::string> HostSession::mlflow_experiment() {
  TG_TRY(const auto out,
         call(std::string(scripts::kLoad) + std::string(scripts::kMlflow), {target_.python, target_.env}));
  for (const auto& line : split(out, '\n'))
    if (const auto id = after(line, "experiment")) return std::string(trim(*id));
  return fail(Errc::kFailed, "MLflow's probe printed nothing");
}

Status HostSession::upload(const std::filesystem::path& local, const std::string& release) {
  return host_.upload(local, layout_.incoming(release), stop_);
}

// pip before 22.3 cannot install into another interpreter's environment (its changelog, --python).
Status HostSession::install(const Interpreter& python, const std::string& key, const std::string& release,
                            const OnSay& say) {
  const auto parts = split(python.pip, '.');
  const auto major = parts.empty() ? 0 : parse_integer(parts[0]).value_or(0);
  const auto minor = parts.size() < 2 ? 0 : parse_integer(parts[1]).value_or(0);
  const bool host_pip = major > 22 || (major == 22 && minor >= 3);
  std::vector<std::string> arguments = {fmt::format("{}", kInstallTimeout.count() + 60),
                                        target_.python,
                                        host_pip ? "host" : "own",
                                        key,
                                        release,
                                        target_.env};
  arguments.insert(arguments.end(), target_.releases.begin(), target_.releases.end());
  TG_TRY(const auto out, call(std::string(scripts::kManifest) + std::string(scripts::kInstall),
                              std::move(arguments), kInstallTimeout, say));
  return {};
}

Result<std::vector<Verdict>> HostSession::verify(std::string_view which, const std::string& release,
                                                 const std::string& command) {
  const auto seconds = std::max<Seconds::rep>(1, target_.check_timeout.count());
  std::vector<std::string> arguments = {fmt::format("{}", seconds), std::string(which), release, command};
  arguments.insert(arguments.end(), target_.releases.begin(), target_.releases.end());
  TG_TRY(const auto out, call(scripts::kVerify, std::move(arguments), Seconds{seconds + 30}));
  std::vector<Verdict> verdicts;
  for (const auto& line : split(out, '\n')) {
    if (auto rest = after(line, "verdict")) {
      Verdict verdict;
      verdict.member = take_word(*rest);
      verdict.exit_code = static_cast<int>(parse_integer(trim(*rest)).value_or(-1));
      verdicts.push_back(std::move(verdict));
    }
    if (auto rest = after(line, "log"); rest && !verdicts.empty()) {
      take_word(*rest);
      verdicts.back().log.push_back(printable(*rest, 400));
    }
  }
  if (verdicts.size() != target_.releases.size())
    return fail(Errc::kFailed, "not every member gave a verdict");
  return verdicts;
}

Status HostSession::append(const std::string& line) {
  TG_TRY(const auto out, call(scripts::kAppend, {line}));
  return {};
}

Status HostSession::renew() {
  TG_TRY(const auto out, call(scripts::kRenew, {"120"}));
  return {};
}

Result<std::string> HostSession::env_sha256() {
  TG_TRY(const auto out, call(scripts::kEnvHash, {target_.env}));
  std::string_view rest = out;
  return std::string(take_word(rest));
}

Result<std::vector<Drift>> HostSession::drift() {
  std::vector<std::string> arguments = {layout_.root(), target_.python, target_.env};
  arguments.insert(arguments.end(), target_.releases.begin(), target_.releases.end());
  TG_TRY(const auto result, host_.run(std::string(scripts::kDrift), arguments, Seconds{600}, stop_));
  if (result.exit_code != 0) return fail(Errc::kFailed, said(result));
  std::vector<Drift> drifts;
  for (const auto& line : split(result.out, '\n')) {
    const auto json = after(line, "drift");
    const auto fields = json ? release::parse_line(*json) : std::nullopt;
    if (!fields) continue;
    const auto field = [&](const char* key) {
      const auto it = fields->find(key);
      return it == fields->end() ? std::string() : it->second;
    };
    drifts.push_back({field("member"), field("kind"), field("path"), field("detail")});
  }
  return drifts;
}

Status HostSession::point(const release::Links& links) {
  std::vector<std::string> arguments;
  for (const auto& [member, link] : links) arguments.insert(arguments.end(), {member, link});
  TG_TRY(const auto out, call(scripts::kPoint, std::move(arguments)));
  return {};
}

Status HostSession::mark(const std::string& release, const std::string& state) {
  std::vector<std::string> arguments = {release, state};
  arguments.insert(arguments.end(), target_.releases.begin(), target_.releases.end());
  TG_TRY(const auto out, call(scripts::kMark, std::move(arguments)));
  return {};
}

Result<std::vector<std::string>> HostSession::close(const std::string& release, const std::string& history,
                                                    const std::vector<std::string>& names) {
  std::vector<std::string> arguments = {release, history};
  arguments.insert(arguments.end(), names.begin(), names.end());
  TG_TRY(const auto out, call(scripts::kClose, std::move(arguments), Seconds{240}));
  std::vector<std::string> done;
  for (const auto& line : split(out, '\n')) {
    if (const auto gone = after(line, "gone")) done.push_back(fmt::format("{}: removed", *gone));
    if (const auto used = after(line, "used"))
      done.push_back(fmt::format("{}: kept, a program runs in it", *used));
  }
  return done;
}

}  // namespace tidegate::app
