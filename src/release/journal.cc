#include "release/journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "release/journal_line.h"

namespace tidegate::release {
namespace {

constexpr std::array<std::pair<Op, std::string_view>, 8> kOps = {{{Op::kBegin, "begin"},
                                                                  {Op::kReady, "ready"},
                                                                  {Op::kFlip, "flip"},
                                                                  {Op::kHealthy, "healthy"},
                                                                  {Op::kLive, "live"},
                                                                  {Op::kUndo, "undo"},
                                                                  {Op::kUndone, "undone"},
                                                                  {Op::kFailed, "failed"}}};
constexpr std::string_view kFrom = "from.";

struct TextField {
  std::string_view key;
  std::string Record::* member;
};
constexpr std::array<TextField, 8> kTexts = {{{"deployment", &Record::deployment},
                                              {"release", &Record::release},
                                              {"digest", &Record::digest},
                                              {"commit", &Record::commit},
                                              {"experiment", &Record::experiment},
                                              {"step", &Record::step},
                                              {"reason", &Record::reason},
                                              {"at", &Record::at}}};

// Later records repeat no more than they must; what they leave out stays as it was.
void gather(Record& all, const Record& next) {
  for (const auto& field : kTexts)
    if (!(next.*field.member).empty()) all.*field.member = next.*field.member;
  if (next.op == Op::kFlip) all.from = next.from;
  all.op = next.op;
  all.roll_back = all.roll_back || next.roll_back;
}

}  // namespace

std::string write_record(const Record& record) {
  Fields fields;
  for (const auto& [op, word] : kOps)
    if (op == record.op) fields["op"] = word;
  for (const auto& field : kTexts)
    if (!(record.*field.member).empty()) fields[std::string(field.key)] = record.*field.member;
  if (record.roll_back) fields["kind"] = "rollback";
  for (const auto& [member, link] : record.from) fields[std::string(kFrom) + member] = link;
  return write_line(fields);
}

std::optional<Record> parse_record(std::string_view line) {
  const auto fields = parse_line(line);
  if (!fields) return std::nullopt;
  Record record;
  const auto op = fields->find("op");
  if (op == fields->end()) return std::nullopt;
  const auto* known = std::ranges::find(kOps, op->second, [](const auto& entry) { return entry.second; });
  if (known == kOps.end()) return std::nullopt;
  record.op = known->first;
  for (const auto& [key, value] : *fields) {
    if (key == "kind") record.roll_back = value == "rollback";
    if (key.starts_with(kFrom)) record.from[key.substr(kFrom.size())] = value;
    for (const auto& field : kTexts)
      if (key == field.key) record.*field.member = value;
  }
  if (record.deployment.empty()) return std::nullopt;
  return record;
}

const Attempt* Journal::find(const std::string& deployment) const {
  const auto it = attempts.find(deployment);
  return it == attempts.end() ? nullptr : &it->second;
}

Journal read_journal(std::string_view text) {
  Journal journal;
  for (const auto& line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    auto record = parse_record(line);
    if (!record) {
      ++journal.damaged;
      continue;
    }
    auto& attempt = journal.attempts[record->deployment];
    gather(attempt.record, *record);
    attempt.phase = record->op;
    journal.last = record->deployment;
    if (record->op == Op::kLive) journal.lived.push_back(attempt.record.release);
  }
  return journal;
}

std::string release_before(const Journal& journal, std::string_view live) {
  auto it = std::find(journal.lived.rbegin(), journal.lived.rend(), live);
  if (it == journal.lived.rend()) it = journal.lived.rbegin();
  for (; it != journal.lived.rend(); ++it)
    if (*it != live) return *it;
  return {};
}

}  // namespace tidegate::release
