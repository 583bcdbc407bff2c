#include "app/runner/log_masker.h"

#include <algorithm>
#include <deque>

#include "base/text.h"

namespace tidegate::app {

namespace {
constexpr std::string_view kMask = "[MASKED]";
/// Shorter base64 texts (of one or two bytes) would hide ordinary words.
constexpr std::size_t kShortestEncoded = 8;
}  // namespace

LogMasker::LogMasker(const std::vector<std::string>& secrets) : nodes_(1) {
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    add_pattern(secret);
    const std::string encoded = base64_encode(secret);
    if (encoded.size() >= kShortestEncoded) add_pattern(encoded);
  }
  link_failures();
}

void LogMasker::add_pattern(std::string_view pattern) {
  std::uint32_t node = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t next = child(node, byte);
    if (next == 0) {
      next = static_cast<std::uint32_t>(nodes_.size());
      Node fresh;
      fresh.depth = nodes_[node].depth + 1;
      nodes_.push_back(std::move(fresh));
      nodes_[node].children.emplace_back(byte, next);
      if (node == 0) root_[byte] = next;
    }
    node = next;
  }
  nodes_[node].longest = nodes_[node].depth;
}

void LogMasker::link_failures() {
  std::deque<std::uint32_t> queue{0};
  while (!queue.empty()) {
    const std::uint32_t node = queue.front();
    queue.pop_front();
    for (const auto& [byte, next] : nodes_[node].children) {
      const std::uint32_t fail = node == 0 ? 0 : step(nodes_[node].fail, byte);
      nodes_[next].fail = fail;
      nodes_[next].longest = std::max(nodes_[next].longest, nodes_[fail].longest);
      queue.push_back(next);
    }
  }
}

std::uint32_t LogMasker::child(std::uint32_t node, unsigned char byte) const {
  if (node == 0) return root_[byte];
  for (const auto& [key, next] : nodes_[node].children) {
    if (key == byte) return next;
  }
  return 0;
}

std::uint32_t LogMasker::step(std::uint32_t node, unsigned char byte) const {
  while (true) {
    const std::uint32_t next = child(node, byte);
    if (next != 0 || node == 0) return next;
    node = nodes_[node].fail;
  }
}

void LogMasker::add_match(std::uint64_t begin, std::uint64_t end) {
  while (!matches_.empty() && matches_.back().end > begin) {
    begin = std::min(begin, matches_.back().begin);
    matches_.pop_back();
  }
  matches_.push_back({begin, end});
}

void LogMasker::emit_until(std::uint64_t boundary, std::string& out) {
  std::uint64_t at = base_;
  std::size_t done = 0;
  for (Range& match : matches_) {
    if (match.begin >= boundary) break;
    out.append(held_, at - base_, match.begin - at);
    if (match.end > boundary) {  // a later secret may still overlap it: its hidden bytes need not be kept
      match.begin = at = boundary;
      break;
    }
    out.append(kMask);
    at = match.end;
    ++done;
  }
  out.append(held_, at - base_, boundary - at);
  matches_.erase(matches_.begin(), matches_.begin() + static_cast<std::ptrdiff_t>(done));
  held_.erase(0, boundary - base_);
  base_ = boundary;
}

std::string LogMasker::feed(std::string_view bytes) {
  std::string out;
  if (nodes_.size() == 1) return std::string(bytes);
  for (const char c : bytes) {
    held_.push_back(c);
    state_ = step(state_, static_cast<unsigned char>(c));
    const std::uint64_t end = base_ + held_.size();
    if (nodes_[state_].longest != 0) add_match(end - nodes_[state_].longest, end);
    // A secret that is not complete yet begins at or after the state's first byte. Emitting in pieces keeps
    // what is held small; emitting at each byte would move the buffer at each byte.
    if (held_.size() >= 4096 + nodes_[state_].depth) emit_until(end - nodes_[state_].depth, out);
  }
  emit_until(base_ + held_.size() - nodes_[state_].depth, out);
  return out;
}

std::string LogMasker::finish() {
  std::string out;
  emit_until(base_ + held_.size(), out);
  state_ = 0;
  return out;
}

}  // namespace tidegate::app
