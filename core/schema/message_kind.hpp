#pragma once

#include <optional>
#include <string_view>

#include "core/runtime/contract.hpp"

namespace tidemark::schema {

constexpr std::string_view name_of(runtime::Message::Kind kind) {
  switch (kind) {
    case runtime::Message::Kind::command: return "command";
    case runtime::Message::Kind::event: return "event";
    case runtime::Message::Kind::reply: return "reply";
    case runtime::Message::Kind::settings: return "settings";
  }
  return {};
}

constexpr std::optional<runtime::Message::Kind> parse_kind(std::string_view name) {
  using enum runtime::Message::Kind;
  for (const auto kind : {command, event, reply, settings}) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

}  // namespace tidemark::schema
