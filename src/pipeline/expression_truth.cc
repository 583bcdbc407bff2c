// What an expression comes to when its variables are known in part: evaluation over sets of values.
#include <optional>
#include <string>

#include "pipeline/expression.h"

namespace tidegate::pipeline {

/// The values that something may have. `text` is set when blank or present stands for this very text.
struct Expression::Possible {
  bool null = false;
  bool no = false;
  bool yes = false;
  bool blank = false;    ///< an empty text, or white space
  bool present = false;  ///< any other text
  std::optional<std::string> text = {};

  bool may_be_falsy() const { return null || no; }  ///< what && and || look at
  bool may_be_truthy() const { return yes || blank || present; }
  bool may_count() const { return yes || present; }  ///< what a rule looks at
  bool may_not_count() const { return null || no || blank; }
  bool only_null() const { return null && !no && !yes && !blank && !present; }
  /// The one text that it compares as; nothing when there may be several, or it may be null.
  std::optional<std::string> sole() const {
    if (null || no + yes + (blank || present) != 1) return std::nullopt;
    if (no || yes) return std::string(yes ? "true" : "false");
    return text;
  }

  static Possible of_text(std::string text) {
    const bool is_blank = text.find_first_not_of(" \t\n\v\f\r") == std::string::npos;
    return {.blank = is_blank, .present = !is_blank, .text = std::move(text)};
  }
  static Possible of_truth(bool may_be_true, bool may_be_false) {
    return {.no = may_be_false, .yes = may_be_true};
  }
};

class Expression::Weigher {
 public:
  Weigher(const std::vector<Node>& nodes, const std::function<KnownValue(std::string_view)>& known)
      : nodes_(nodes), known_(known) {}

  Possible weigh(std::size_t index) const {
    const Node& node = nodes_[index];
    switch (node.op) {
      case Op::kNull:
        return {.null = true};
      case Op::kTruth:
        return Possible::of_truth(node.truth, !node.truth);
      case Op::kText:
      case Op::kPattern:
        return Possible::of_text(node.text);
      case Op::kVariable:
        return variable(node.text);
      case Op::kInput:
        return {.null = true, .no = true, .yes = true, .blank = true, .present = true};
      case Op::kNot: {
        const Possible operand = weigh(node.left);
        return Possible::of_truth(operand.may_not_count(), operand.may_count());
      }
      case Op::kEqual:
      case Op::kNotEqual:
        return equal(weigh(node.left), weigh(node.right), node.op == Op::kEqual);
      case Op::kMatch:
      case Op::kNotMatch:
        return match(weigh(node.left), nodes_[node.right], node.op == Op::kMatch);
      case Op::kAnd:
        return either(weigh(node.left), node.right, true);
      case Op::kOr:
        return either(weigh(node.left), node.right, false);
    }
    return {};
  }

 private:
  Possible variable(const std::string& name) const {
    const KnownValue value = known_(name);
    switch (value.kind) {
      case KnownValue::Kind::kNull:
        return {.null = true};
      case KnownValue::Kind::kPresent:
        return {.present = true};
      case KnownValue::Kind::kText:
        return Possible::of_text(value.text);
      case KnownValue::Kind::kAny:
        break;
    }
    return {.null = true, .blank = true, .present = true};
  }

  static Possible equal(const Possible& left, const Possible& right, bool wanted) {
    const auto answer = [&](bool same) { return Possible::of_truth(same == wanted, same != wanted); };
    if (left.only_null() && right.only_null()) return answer(true);
    if ((left.only_null() && !right.null) || (right.only_null() && !left.null)) return answer(false);
    const auto one = left.sole();
    const auto other = right.sole();
    if (one && other) return answer(*one == *other);
    const auto only = [](const Possible& value, bool Possible::* kind) {
      return value.*kind && value.null + value.no + value.yes + value.blank + value.present == 1;
    };
    const bool apart = (only(left, &Possible::blank) && only(right, &Possible::present)) ||
                       (only(left, &Possible::present) && only(right, &Possible::blank));
    return apart ? answer(false) : Possible::of_truth(true, true);
  }

  static Possible match(const Possible& left, const Node& right, bool wanted) {
    const auto text = left.only_null() ? std::optional<std::string>(std::string()) : left.sole();
    if (!right.regex || !text) return Possible::of_truth(true, true);
    const bool found = right.regex->search(*text);
    return Possible::of_truth(found == wanted, found != wanted);
  }

  /// `&&` gives its left side when that is nil or false, else its right side; `||` the other way round.
  Possible either(const Possible& left, std::size_t right, bool both) const {
    const bool stays = both ? left.may_be_falsy() : left.may_be_truthy();
    const bool goes_on = both ? left.may_be_truthy() : left.may_be_falsy();
    const Possible kept =
        both ? Possible{.null = left.null, .no = left.no}
             : Possible{.yes = left.yes, .blank = left.blank, .present = left.present, .text = left.text};
    if (!goes_on) return kept;
    Possible other = weigh(right);
    if (!stays) return other;
    const bool one_text = !(kept.blank || kept.present) ? true : !(other.blank || other.present);
    other.text = one_text ? (kept.blank || kept.present ? kept.text : other.text) : std::nullopt;
    return {.null = kept.null || other.null,
            .no = kept.no || other.no,
            .yes = kept.yes || other.yes,
            .blank = kept.blank || other.blank,
            .present = kept.present || other.present,
            .text = std::move(other.text)};
  }

  const std::vector<Node>& nodes_;
  const std::function<KnownValue(std::string_view)>& known_;
};

Truth Expression::truth(const std::function<KnownValue(std::string_view name)>& known) const {
  const Possible value = Weigher(nodes_, known).weigh(nodes_.size() - 1);
  if (!value.may_not_count()) return Truth::kTrue;
  return value.may_count() ? Truth::kUnknown : Truth::kFalse;
}

}  // namespace tidegate::pipeline
