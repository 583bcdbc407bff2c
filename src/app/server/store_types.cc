// The words of the store's enums.
#include "app/ports/store.h"

namespace tidegate::app {
std::string_view to_string(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAdmin:
      return "admin";
    case TokenKind::kProject:
      return "project";
    case TokenKind::kTrigger:
      return "trigger";
    case TokenKind::kHook:
      return "hook";
  }
  return "project";
}

std::string_view to_string(DeliveryKind kind) {
  return kind == DeliveryKind::kGraph ? "graph" : "release";
}

std::string_view to_string(ContactKind kind) {
  switch (kind) {
    case ContactKind::kTest:
      return "test";
    case ContactKind::kSubscribed:
      return "subscribed";
    case ContactKind::kRefused:
      return "refused";
  }
  return "test";
}

}  // namespace tidegate::app
