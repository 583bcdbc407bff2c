// The journal of a group of releases on a host: what was decided, written before it is done.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::release {

/// Member → text of its `current` link ("releases/<id>"); empty text: no link.
using Links = std::map<std::string, std::string>;

enum class Op : std::uint8_t {
  kBegin,    ///< a deployment has its release id; nothing is live of it
  kReady,    ///< installed in every member, and the gate passed
  kFlip,     ///< the links may be on their way from `from` to `release`
  kHealthy,  ///< flipped and healthy, and the other hosts of the deployment are not known to be so
  kLive,     ///< flipped and healthy, everywhere: final
  kUndo,     ///< the links may be on their way back to `from`
  kUndone,   ///< back: final
  kFailed,   ///< given up before any flip: final
};

/// One decision. `from` is set in kFlip only.
struct Record {
  Op op = Op::kBegin;
  std::string deployment;
  std::string release;
  bool roll_back = false;  ///< of the deployment that a person asked for to go back
  std::string digest;
  std::string commit;
  std::string experiment;  ///< MLflow's, as it was before
  std::string step;        ///< that failed: kFailed, kUndo
  std::string reason;      ///< for people
  Links from;
  std::string at;  ///< time, for people

  friend bool operator==(const Record&, const Record&) = default;
};

/// One line, without the line break.
std::string write_record(const Record& record);
std::optional<Record> parse_record(std::string_view line);

/// One deployment as far as it came: its last record, with what earlier records said.
struct Attempt {
  Op phase = Op::kBegin;
  Record record;  ///< fields gathered from all of its records

  bool is_final() const { return phase == Op::kLive || phase == Op::kUndone || phase == Op::kFailed; }
  /// Links may have been touched and nobody has written that it is over.
  bool is_open() const { return phase == Op::kFlip || phase == Op::kHealthy || phase == Op::kUndo; }
};

/// What a journal says. Lines that do not parse are counted and passed over: the last one may have been cut
/// by a crash, and what it announced was then not begun.
struct Journal {
  std::map<std::string, Attempt> attempts;  ///< by deployment
  std::string last;                         ///< deployment of the last record; empty: none
  std::vector<std::string> lived;           ///< releases in the order in which they became live, newest last
  std::size_t damaged = 0;

  const Attempt* find(const std::string& deployment) const;
  const Attempt* last_attempt() const { return find(last); }
};
Journal read_journal(std::string_view text);

/// The release to go back to: the last that was live before `live` became so, different from it. Empty: none.
std::string release_before(const Journal& journal, std::string_view live);

}  // namespace tidegate::release
