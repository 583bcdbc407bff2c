// Two servers deploy to the same hosts, in virtual time, while everything breaks: servers crash, answers are
// lost, scripts go on running behind a dead connection, hosts reboot between two links or in the middle of a
// journal line, leases run out. After each step the rules of the house are checked, and in the end all is
// whole.
//
// TIDEGATE_SIM_SEEDS=N runs N histories instead of a few, beginning with seed TIDEGATE_SIM_FIRST.
#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "release/release_id.h"
#include "release/release_lease.h"
#include "release/rollout.h"

namespace tidegate::release {
namespace {

const std::vector<std::string> kMembers = {"bert", "kogpt"};
constexpr std::int64_t kLeaseTime = 60;

enum class Kind : std::uint8_t { kTake, kAppend, kPoint, kInstall, kSmoke, kCheck, kDrop };

// A script at work on a host: it holds the host's lock from its second step on, and goes on when nobody
// listens any more.
struct Script {
  Kind kind = Kind::kDrop;
  int session = 0;  // who asked; a session that is gone never hears of it
  std::string token;
  std::string owner;
  std::string expected;  // kTake: the lease line that was seen
  std::string line;      // kAppend
  Links links;           // kPoint
  Goal goal;
  std::size_t step = 0;
  bool locked = false;
};

struct Host {
  std::string journal;
  Links links;
  std::map<std::string, std::set<std::string>> installed;
  std::string lease;
  std::int64_t down_until = 0;
  std::vector<Script> scripts;
  std::string taken;  // token of the last lease whose taking was answered: older ones must have no effect
};

enum class Answer : std::uint8_t { kNone, kDone, kRefused, kLost };

// One connection to one host, as a session sees it.
struct Line {
  std::string token;
  Facts facts;
  bool leased = false;
  bool asked = false;
  Answer answer = Answer::kNone;
  std::string verdict;
  Action action = Wait{};
};

struct Session {
  int number = 0;
  Goal goal;
  std::vector<Line> lines;
};

struct Wish {
  Goal goal;
  int tries = 0;
};

struct Server {
  std::optional<Session> session;
  std::optional<Wish> wish;
  std::int64_t pause_until = 0;
};

struct Told {
  bool live = false;
  bool roll_back = false;
};

class World {
 public:
  World(unsigned seed, std::size_t hosts) : random_(seed), hosts_(hosts), servers_(2) {
    for (int n = 0; n < 12; ++n) {
      const auto release = release_name(n);
      for (std::size_t h = 0; h < hosts; ++h)
        if (chance(20)) unhealthy_.insert({release, h});
      if (chance(20)) broken_.insert(release);
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps && !failed(); ++i) {
      ++steps_;
      now_ += random_() % 2;
      if (chance(150)) reboot(random_() % hosts_.size());
      if (chance(120)) crash(servers_[random_() % servers_.size()]);
      if (chance(2)) {
        work(servers_[random_() % servers_.size()]);
      } else {
        turn(random_() % hosts_.size());
      }
    }
    come_to_rest();
  }

  std::size_t steps() const { return steps_; }
  const std::string& fault() const { return fault_; }
  std::string history() const {
    std::string text;
    for (std::size_t h = 0; h < hosts_.size(); ++h) text += fmt::format("host {}:\n{}", h, hosts_[h].journal);
    return text;
  }
  std::size_t lives = 0, undone = 0, lost = 0, conflicts = 0, reboots = 0, crashes = 0, takeovers = 0;

 private:
  bool chance(unsigned one_in) { return quiet_ ? false : random_() % one_in == 0; }
  static std::string release_name(int n) { return fmt::format("r{:02}", n); }
  bool failed() const { return !fault_.empty(); }
  void require(bool good, const std::string& what) {
    if (!good && fault_.empty()) fault_ = what;
  }

  // --- hosts ---

  void reboot(std::size_t h) {
    ++reboots;
    auto& host = hosts_[h];
    for (auto& script : host.scripts) answer(script, h, Answer::kLost);
    host.scripts.clear();
    host.down_until = now_ + 5 + static_cast<std::int64_t>(random_() % 90);
  }
  bool up(std::size_t h) const { return hosts_[h].down_until <= now_; }

  void turn(std::size_t h) {
    auto& host = hosts_[h];
    if (host.scripts.empty() || !up(h)) return;
    // The scripts of a host run side by side.
    const auto at = random_() % host.scripts.size();
    if (chance(40)) {
      lose(host.scripts[at], h);
      return;
    }
    auto script = host.scripts[at];
    const auto ended = advance(h, script);
    const auto same = std::ranges::find_if(
        host.scripts, [&](const auto& s) { return s.session == script.session && s.token == script.token; });
    if (same == host.scripts.end()) return;
    if (ended) {
      host.scripts.erase(same);
    } else {
      *same = script;
    }
  }
  // The answer never comes; the script goes on.
  void lose(Script& script, std::size_t h) {
    ++lost;
    answer(script, h, Answer::kLost);
    script.session = -1 - static_cast<int>(++zombies_);
  }
  void answer(const Script& script, std::size_t h, Answer what, const std::string& verdict = {}) {
    for (auto& server : servers_) {
      if (!server.session || server.session->number != script.session) continue;
      server.session->lines[h].answer = what;
      server.session->lines[h].verdict = verdict;
    }
  }
  bool locked(const Host& host) const { return std::ranges::any_of(host.scripts, &Script::locked); }
  std::string holder(const Host& host) const {
    const auto lease = parse_lease(host.lease);
    return lease ? lease->token : "";
  }
  void effect(const Host& host, const Script& script) {
    require(host.taken == script.token, "a script of an older lease has an effect: " + script.token);
  }

  // One step of a script. True: it has ended.
  bool advance(std::size_t h, Script& script) {
    auto& host = hosts_[h];
    if (script.kind == Kind::kTake) return take(h, script);
    if (script.step == 0) {
      if (locked(host)) return false;
      script.locked = true;
      ++script.step;
      return false;
    }
    if (script.step == 1) {
      if (holder(host) != script.token) {
        answer(script, h, Answer::kRefused);
        return true;
      }
      if (script.kind != Kind::kDrop)
        host.lease = write_lease({script.token, now_ + kLeaseTime, script.owner});
      ++script.step;
      return false;
    }
    effect(host, script);
    return act(h, script);
  }

  bool act(std::size_t h, Script& script) {
    auto& host = hosts_[h];
    const auto done = [&](const std::string& verdict = {}) {
      answer(script, h, Answer::kDone, verdict);
      return true;
    };
    const std::size_t at = script.step++ - 2;
    switch (script.kind) {
      case Kind::kAppend:
        if (at == 0) {
          if (!host.journal.empty() && host.journal.back() != '\n') host.journal += '\n';
          host.journal += script.line.substr(0, script.line.size() / 2);
          return false;
        }
        if (at == 1) {
          host.journal += script.line.substr(script.line.size() / 2) + "\n";
          written(h, script);
          return false;
        }
        return done();
      case Kind::kPoint:
        if (at < script.links.size()) {
          move(host, *std::next(script.links.begin(), static_cast<std::ptrdiff_t>(at)));
          return false;
        }
        return done();
      case Kind::kInstall:
        if (at < kMembers.size()) {
          host.installed[script.goal.release].insert(kMembers[at]);
          return false;
        }
        return done();
      case Kind::kSmoke:
        return done(broken_.contains(script.goal.release) ? "it does not start" : "");
      case Kind::kCheck:
        for (const auto& member : kMembers)
          if (unhealthy_.contains({Layout::release_of(host.links[member]), h})) return done("it is not well");
        return done();
      case Kind::kDrop:
        host.lease.clear();
        return done();
      case Kind::kTake:
        break;
    }
    return true;
  }

  // The lease file is replaced if it says what was seen; then whoever is still at work is ended, or waited
  // for.
  bool take(std::size_t h, Script& script) {
    auto& host = hosts_[h];
    switch (script.step) {
      case 0:
        ++script.step;
        if (host.lease != script.expected) {
          answer(script, h, Answer::kRefused);
          return true;
        }
        return false;
      case 1:  // between the look and the move another may have come: the later one has it
        if (!host.lease.empty()) ++takeovers;
        host.lease = write_lease({script.token, now_ + kLeaseTime, script.owner});
        ++script.step;
        return false;
      default:
        std::erase_if(host.scripts, [&](const auto& other) {
          const bool ends = other.kind != Kind::kTake && other.kind != Kind::kAppend &&
                            other.kind != Kind::kDrop && other.token != script.token && other.step > 1;
          if (ends) answer(other, h, Answer::kLost);
          return ends;
        });
        if (locked(host)) return false;
        if (holder(host) != script.token) {
          answer(script, h, Answer::kRefused);
          return true;
        }
        host.taken = script.token;
        answer(script, h, Answer::kDone);
        return true;
    }
  }

  void move(Host& host, const std::pair<const std::string, std::string>& link) {
    const auto journal = read_journal(host.journal);
    const auto* last = journal.last_attempt();
    require(last != nullptr && last->is_open(), "a link moves and the journal does not say so");
    host.links[link.first] = link.second;
  }

  void written(std::size_t h, const Script& script) {
    const auto record = parse_record(script.line);
    require(record.has_value(), "a line that does not parse");
    const auto& name = record->deployment;
    const auto told = told_.find(name);
    if (told != told_.end()) {
      if (told->second.live) require(record->op == Op::kLive, "told as live, and then not: " + name);
      if (!told->second.live) require(record->op != Op::kLive, "told as not live, and then live: " + name);
    }
    if (record->op == Op::kFlip && h > 0 && !record->roll_back) {
      const auto canary = read_journal(hosts_[0].journal);
      const auto* first = canary.find(name);
      require(first != nullptr && first->phase != Op::kBegin && first->phase != Op::kReady &&
                  first->phase != Op::kFlip,
              "a host flips before its canary is healthy: " + name);
    }
    if (record->op == Op::kLive) decided_live_.insert(name);
    if (record->op == Op::kUndone || record->op == Op::kFailed) decided_not_.insert(name);
    require(!(decided_live_.contains(name) && decided_not_.contains(name)),
            "live on one host and not on another: " + name);
  }

  // --- servers ---

  void crash(Server& server) {
    ++crashes;
    if (server.session) end(server, 20);
  }
  void end(Server& server, std::int64_t pause) {
    for (std::size_t h = 0; h < hosts_.size(); ++h)
      for (auto& script : hosts_[h].scripts)
        if (script.session == server.session->number) script.session = -1 - static_cast<int>(++zombies_);
    server.session.reset();
    server.pause_until = now_ + static_cast<std::int64_t>(random_() % static_cast<unsigned>(pause + 1));
  }

  void new_wish(Server& server) {
    if (quiet_) return;
    const int n = wishes_++;
    Goal goal;
    goal.members = kMembers;
    const bool back = !were_live_.empty() && chance(2);
    goal.roll_back = back;
    goal.deployment = fmt::format("{}{}", back ? "b" : "d", n);
    goal.release =
        back ? were_live_[random_() % were_live_.size()] : release_name(n % 12) + fmt::format("x{}", n);
    const auto where = static_cast<std::size_t>(n) % hosts_.size();
    if (back && chance(8)) hosts_[where].installed[goal.release].clear();  // cleared away by somebody
    if (!back && unhealthy_.contains({release_name(n % 12), where})) unhealthy_.insert({goal.release, where});
    if (!back && broken_.contains(release_name(n % 12))) broken_.insert(goal.release);
    server.wish = Wish{goal, 0};
  }

  void work(Server& server) {
    if (server.pause_until > now_) return;
    if (!server.session) return begin(server);
    auto& session = *server.session;
    for (auto& line : session.lines) {
      if (line.answer == Answer::kLost) return give_up(server);
      if (line.answer == Answer::kRefused) {
        ++conflicts;
        return give_up(server);
      }
      if (line.answer == Answer::kDone) heard(session, line);
    }
    if (std::ranges::any_of(session.lines, &Line::asked)) {
      // Others may be given something to do while one is at work; the leases are taken in order.
      if (!std::ranges::all_of(session.lines, &Line::leased)) return;
    }
    go_on(server);
  }

  void begin(Server& server) {
    if (!server.wish) new_wish(server);
    if (!server.wish) return;
    for (std::size_t h = 0; h < hosts_.size(); ++h)
      if (!up(h)) return wait_for_host(server);
    Session session;
    session.number = ++sessions_;
    session.goal = server.wish->goal;
    session.goal.abandon = server.wish->tries > 8;
    session.lines.resize(hosts_.size());
    server.session = std::move(session);
  }
  void wait_for_host(Server& server) {
    server.pause_until = now_ + 5 + static_cast<std::int64_t>(random_() % 20);
    ++server.wish->tries;
  }
  void give_up(Server& server) {
    ++server.wish->tries;
    end(server, 30);
  }

  Facts look(std::size_t h, const Goal& goal) const {
    const auto& host = hosts_[h];
    Facts facts;
    facts.journal = read_journal(host.journal);
    facts.links = host.links;
    if (const auto it = host.installed.find(goal.release); it != host.installed.end())
      facts.installed = it->second;
    return facts;
  }

  void heard(Session& session, Line& line) {
    const auto h = static_cast<std::size_t>(&line - session.lines.data());
    line.asked = false;
    line.answer = Answer::kNone;
    if (!line.leased) {
      line.leased = true;
      line.facts = look(h, session.goal);
      return;
    }
    line.facts.journal = read_journal(hosts_[h].journal);
    if (const auto* point = std::get_if<Point>(&line.action))
      for (const auto& [member, link] : point->links) line.facts.links[member] = link;
    if (std::holds_alternative<Install>(line.action))
      line.facts.installed.insert(kMembers.begin(), kMembers.end());
    if (std::holds_alternative<RunSmoke>(line.action)) line.facts.smoke = line.verdict;
    if (std::holds_alternative<RunCheck>(line.action)) line.facts.health = line.verdict;
  }

  void send(Session& session, std::size_t h, Script script) {
    auto& line = session.lines[h];
    if (!up(h)) {
      line.answer = Answer::kLost;
      return;
    }
    script.session = session.number;
    script.token = line.token;
    script.owner = session.goal.deployment;
    script.goal = session.goal;
    line.asked = true;
    hosts_[h].scripts.push_back(std::move(script));
  }

  void go_on(Server& server) {
    auto& session = *server.session;
    for (std::size_t h = 0; h < session.lines.size(); ++h) {
      auto& line = session.lines[h];
      if (line.leased) continue;
      if (line.asked) return;
      if (!may_take(hosts_[h].lease, session.goal.deployment, now_, read_journal(hosts_[h].journal))) {
        ++conflicts;
        return give_up(server);
      }
      line.token = fmt::format("t{}", ++tokens_);
      Script script;
      script.kind = Kind::kTake;
      script.expected = hosts_[h].lease;
      return send(session, h, script);
    }
    std::vector<Facts> facts;
    for (const auto& line : session.lines) facts.push_back(line.facts);
    const auto actions = next_on_hosts(session.goal, facts);
    std::vector<Attempt> ended;
    bool idle = true;
    for (std::size_t h = 0; h < actions.size(); ++h) {
      if (const auto* finished = std::get_if<Finished>(&actions[h])) {
        ended.push_back(finished->attempt);
        continue;
      }
      if (session.lines[h].asked) idle = false;
      if (session.lines[h].asked || std::holds_alternative<Wait>(actions[h])) continue;
      idle = false;
      session.lines[h].action = actions[h];
      send(session, h, script_of(actions[h]));
    }
    if (ended.size() == actions.size()) return conclude_with(server, ended);
    require(!idle, "nobody has anything to do, and it is not over: " + session.goal.deployment);
  }

  static Script script_of(const Action& action) {
    Script script;
    if (const auto* write = std::get_if<WriteRecord>(&action)) {
      script.kind = Kind::kAppend;
      script.line = write_record(write->record);
    } else if (const auto* point = std::get_if<Point>(&action)) {
      script.kind = Kind::kPoint;
      script.links = point->links;
    } else if (std::holds_alternative<Install>(action)) {
      script.kind = Kind::kInstall;
    } else if (std::holds_alternative<RunSmoke>(action)) {
      script.kind = Kind::kSmoke;
    } else {
      script.kind = Kind::kCheck;
    }
    return script;
  }

  void conclude_with(Server& server, const std::vector<Attempt>& ended) {
    auto& session = *server.session;
    const auto end_of_it = conclude(ended);
    const bool live = end_of_it.attempt.phase == Op::kLive;
    const auto& name = session.goal.deployment;
    const auto known = told_.find(name);
    require(known == told_.end() || known->second.live == live, "told twice, and differently: " + name);
    told_[name] = {live, session.goal.roll_back};
    // Nobody is at work on the hosts but us: this is what they are on.
    if (live) require_uniform(session.goal.release, session);
    live ? ++lives : ++undone;
    if (live) were_live_.push_back(session.goal.release);
    for (std::size_t h = 0; h < hosts_.size(); ++h) {
      if (chance(5)) continue;  // never given back: it runs out, or is seen to be over
      Script drop;
      drop.kind = Kind::kDrop;
      send(session, h, drop);
    }
    server.wish.reset();
    end(server, 10);
  }

  // Told a second time, others may have deployed since; told first, our leases were there all the time.
  void require_uniform(const std::string& release, const Session& session) {
    for (std::size_t h = 0; h < hosts_.size(); ++h) {
      if (holder(hosts_[h]) != session.lines[h].token) return;
      const auto journal = read_journal(hosts_[h].journal);
      if (journal.last != session.goal.deployment) return;
    }
    for (auto& host : hosts_)
      for (const auto& member : kMembers)
        require(Layout::release_of(host.links[member]) == release, "told as live, and it is not: " + release);
  }

  // Everything comes up again and nothing breaks any more: every wish comes to its end.
  void come_to_rest() {
    if (failed()) return;
    quiet_ = true;
    for (int i = 0; i < 20000 && !failed(); ++i) {
      ++steps_;
      now_ += 2;
      work(servers_[static_cast<std::size_t>(i) % servers_.size()]);
      for (std::size_t h = 0; h < hosts_.size(); ++h) turn(h);
      if (std::ranges::none_of(servers_, [](const auto& s) { return s.wish.has_value(); })) break;
    }
    for (const auto& server : servers_) require(!server.wish, "it never comes to an end");
    if (failed()) return;
    std::set<std::string> seen;
    for (auto& host : hosts_)
      for (const auto& member : kMembers) seen.insert(Layout::release_of(host.links[member]));
    require(seen.size() == 1, "the hosts are not on one release");
    const auto& release = *seen.begin();
    const auto journal = read_journal(hosts_[0].journal);
    require(release == (journal.lived.empty() ? "" : journal.lived.back()),
            "what is live is not what the journal says");
    for (std::size_t h = 0; h < hosts_.size(); ++h)
      if (unhealthy_.contains({release, h})) require(went_back_to(release), "an unhealthy release is live");
  }
  bool went_back_to(const std::string& release) const {
    for (const auto& [name, told] : told_)
      if (told.live && told.roll_back) return !release.empty();
    return false;
  }

  std::mt19937 random_;
  std::vector<Host> hosts_;
  std::vector<Server> servers_;
  std::set<std::pair<std::string, std::size_t>> unhealthy_;
  std::set<std::string> broken_;
  std::map<std::string, Told> told_;
  std::set<std::string> decided_live_;
  std::set<std::string> decided_not_;
  std::vector<std::string> were_live_;
  std::int64_t now_ = 1000;
  int wishes_ = 0, sessions_ = 0, tokens_ = 0;
  std::size_t zombies_ = 0, steps_ = 0;
  bool quiet_ = false;
  std::string fault_;
};

unsigned number_of(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

TEST(RolloutSimulation, WhateverBreaksAllHostsEndOnOneRelease) {
  const auto seeds = number_of("TIDEGATE_SIM_SEEDS", 60);
  const auto first = number_of("TIDEGATE_SIM_FIRST", std::random_device{}() % 1'000'000U);
  std::size_t steps = 0, lives = 0, undone = 0, lost = 0, conflicts = 0, reboots = 0, crashes = 0,
              takeovers = 0;
  for (unsigned seed = first; seed < first + seeds; ++seed) {
    World world(seed, 1 + seed % 3);
    world.run(900);
    ASSERT_EQ(world.fault(), "") << "seed " << seed << "\n" << world.history();
    steps += world.steps();
    lives += world.lives;
    undone += world.undone;
    lost += world.lost;
    conflicts += world.conflicts;
    reboots += world.reboots;
    crashes += world.crashes;
    takeovers += world.takeovers;
  }
  fmt::print(
      "{} histories, {} steps: {} live, {} not; {} answers lost, {} conflicts, {} reboots, {} crashes, "
      "{} leases taken over\n",
      seeds, steps, lives, undone, lost, conflicts, reboots, crashes, takeovers);
  EXPECT_GT(lives, seeds / 4);
  EXPECT_GT(undone, seeds / 8);
}

}  // namespace
}  // namespace tidegate::release
