#include "core/schema/compatibility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/schema/message_kind.hpp"

namespace tidemark::schema {
namespace {

using runtime::Message;

std::string types_text(unsigned types) {
  if (types == ParsedSchema::any) return "any value";
  std::string out;
  const auto add = [&](unsigned bit, std::string_view name) {
    if ((types & bit) != bit) return;
    if (!out.empty()) out += " or ";
    out += name;
    types &= ~bit;
  };
  add(ParsedSchema::number | ParsedSchema::integer, "number");
  add(ParsedSchema::integer, "integer");
  add(ParsedSchema::null, "null");
  add(ParsedSchema::boolean, "boolean");
  add(ParsedSchema::string, "string");
  add(ParsedSchema::array, "array");
  add(ParsedSchema::object, "object");
  return out;
}

template <class T>
std::string limit_text(const std::optional<T>& limit) {
  if (!limit) return "none";
  return fmt::format("{:.0f}", static_cast<long double>(*limit));
}

class Comparison {
 public:
  Comparison(const SchemaTable& earlier, const SchemaTable& present, Use use, Changes& out)
      : earlier_(earlier), present_(present), use_(use), out_(out) {}

  void compare(const ParsedSchema& earlier_given, const ParsedSchema& present_given, const std::string& place) {
    const ParsedSchema& earlier = resolve(earlier_given, earlier_);
    const ParsedSchema& present = resolve(present_given, present_);
    if (!seen_.insert({&earlier, &present}).second) return;
    const ParsedSchema& writer = use_ == Use::answer ? present : earlier;
    const ParsedSchema& reader = use_ == Use::answer ? earlier : present;

    if (!earlier.alternatives.empty() || !present.alternatives.empty()) {
      compare_alternatives(writer, reader, place);
      return;
    }
    if (earlier.types != present.types) {
      const bool accepted = (writer.types & ~reader.types) == 0;
      note(!accepted, place, "type was " + types_text(earlier.types) + ", is " + types_text(present.types));
      if (!accepted) return;
    }
    lower("minimum", earlier.minimum, present.minimum, place);
    upper("maximum", earlier.maximum, present.maximum, place);
    lower("least length in bytes", earlier.min_bytes, present.min_bytes, place);
    upper("greatest length in bytes", earlier.max_bytes, present.max_bytes, place);
    lower("least number of items", earlier.min_items, present.min_items, place);
    upper("greatest number of items", earlier.max_items, present.max_items, place);
    word("format", earlier.format, present.format, place);
    word("pattern", earlier.pattern, present.pattern, place);
    compare_values(earlier, present, place);
    compare_members(earlier, present, place);
    compare_inner("items", earlier.items, present.items, place + "/[]");
    compare_inner("members of any name", earlier.others, present.others, place + "/*");
    if (earlier.closed != present.closed) {
      note(reader.closed, place, present.closed ? "unknown members are refused now" : "unknown members pass now");
    }
  }

 private:
  static const ParsedSchema& resolve(const ParsedSchema& schema, const SchemaTable& table) {
    const ParsedSchema* at = &schema;
    for (std::size_t steps = 0; !at->ref.empty() && steps <= table.size(); ++steps) at = &table.find(at->ref)->second;
    return *at;
  }

  void note(bool breaking, const std::string& place, std::string what) { out_.push_back({breaking, place, std::move(what)}); }

  bool is_read_now() const { return use_ != Use::answer; }

  // A limit of the reader must not refuse what the writer may write.
  template <class T>
  void lower(std::string_view name, const std::optional<T>& earlier, const std::optional<T>& present, const std::string& place) {
    const auto& [writer, reader] = is_read_now() ? std::tie(earlier, present) : std::tie(present, earlier);
    if (earlier != present) limit(name, reader && (!writer || *writer < *reader), earlier, present, place);
  }
  template <class T>
  void upper(std::string_view name, const std::optional<T>& earlier, const std::optional<T>& present, const std::string& place) {
    const auto& [writer, reader] = is_read_now() ? std::tie(earlier, present) : std::tie(present, earlier);
    if (earlier != present) limit(name, reader && (!writer || *writer > *reader), earlier, present, place);
  }
  template <class T>
  void limit(std::string_view name, bool breaking, const std::optional<T>& earlier, const std::optional<T>& present, const std::string& place) {
    note(breaking, place, fmt::format("{} was {}, is {}", name, limit_text(earlier), limit_text(present)));
  }

  void word(std::string_view name, const std::string& earlier, const std::string& present, const std::string& place) {
    if (earlier == present) return;
    const std::string& reader = is_read_now() ? present : earlier;
    const auto shown = [](const std::string& text) { return text.empty() ? std::string("none") : text; };
    note(!reader.empty(), place, fmt::format("{} was {}, is {}", name, shown(earlier), shown(present)));
  }

  void compare_values(const ParsedSchema& earlier, const ParsedSchema& present, const std::string& place) {
    if (earlier.values.empty() != present.values.empty()) {
      note(is_read_now() != present.values.empty(), place, present.values.empty() ? "any value may be written now" : "only listed values pass now");
      return;
    }
    const auto has = [](const std::vector<std::string>& values, const std::string& value) {
      return std::find(values.begin(), values.end(), value) != values.end();
    };
    for (const std::string& value : earlier.values) {
      if (!has(present.values, value)) note(is_read_now(), place, "value " + value + " is gone");
    }
    for (const std::string& value : present.values) {
      if (!has(earlier.values, value)) note(!is_read_now(), place, "value " + value + " is new");
    }
  }

  void compare_members(const ParsedSchema& earlier, const ParsedSchema& present, const std::string& place) {
    for (const Property& was : earlier.properties) {
      const std::string here = place + "/" + was.name;
      const Property* is = find(present.properties, was.name);
      if (is == nullptr) {
        note(was.required && use_ != Use::settings, here, was.required ? "a required member is gone" : "an optional member is gone");
        continue;
      }
      compare(was.schema, is->schema, here);
      if (was.required == is->required) continue;
      const bool reader_misses = is->required ? is_read_now() : use_ == Use::record || use_ == Use::answer;
      note(reader_misses, here, is->required ? "an optional member is required now" : "a required member is optional now");
    }
    for (const Property& is : present.properties) {
      if (find(earlier.properties, is.name) != nullptr) continue;
      const std::string here = place + "/" + is.name;
      note(is.required && is_read_now(), here, is.required ? "a required member is new" : "an optional member is new");
      if (const Property* dropped = find(earlier.dropped, is.name)) compare_returned(dropped->schema, is.schema, here);
    }
  }

  // Records that have the member in its old meaning are still there.
  void compare_returned(const ParsedSchema& dropped, const ParsedSchema& present, const std::string& place) {
    Changes changes;
    Comparison(earlier_, present_, Use::request, changes).compare(dropped, present, place);
    const auto worst = std::find_if(changes.begin(), changes.end(), [](const Change& change) { return change.breaking; });
    if (worst != changes.end()) note(true, worst->place, "the name of a dropped member comes back as something else: " + worst->what);
  }

  void compare_inner(std::string_view name, const std::shared_ptr<ParsedSchema>& earlier, const std::shared_ptr<ParsedSchema>& present,
                     const std::string& place) {
    if (earlier && present) compare(*earlier, *present, place);
    else if (earlier || present) note((is_read_now() ? present : earlier) != nullptr, place, fmt::format("{} {} a schema", name, present ? "have" : "no longer have"));
  }

  // Each form that may be written must be one that is read.
  void compare_alternatives(const ParsedSchema& writer, const ParsedSchema& reader, const std::string& place) {
    const auto forms = [](const ParsedSchema& schema) {
      std::vector<const ParsedSchema*> out;
      for (const ParsedSchema& form : schema.alternatives) out.push_back(&form);
      if (out.empty()) out.push_back(&schema);
      return out;
    };
    const auto written = forms(writer), read = forms(reader);
    bool same = written.size() == read.size();
    for (const ParsedSchema* form : written) {
      bool is_read = false;
      for (const ParsedSchema* candidate : read) {
        Changes changes;
        Comparison trial(earlier_, present_, use_, changes);
        trial.seen_ = seen_;  // a type that contains itself ends here too
        is_read_now() ? trial.compare(*form, *candidate, place) : trial.compare(*candidate, *form, place);
        is_read = is_read || std::none_of(changes.begin(), changes.end(), [](const Change& change) { return change.breaking; });
        if (is_read) same = same && changes.empty();
        if (is_read) break;
      }
      if (!is_read) {
        note(true, place, is_read_now() ? "a form that was written is not read any more" : "a form is written that was not there");
        return;
      }
    }
    if (!same) note(false, place, "the forms of the value changed");
  }

  const SchemaTable& earlier_;
  const SchemaTable& present_;
  Use use_;
  Changes& out_;
  std::set<std::pair<const ParsedSchema*, const ParsedSchema*>> seen_;
};

Use use_of(Message::Kind kind) {
  switch (kind) {
    case Message::Kind::command: return Use::request;
    case Message::Kind::event: return Use::record;
    case Message::Kind::reply: return Use::answer;
    case Message::Kind::settings: return Use::settings;
  }
  return Use::record;
}

std::string place_of(const ParsedMessage& message) {
  return fmt::format("{} {}.v{}", name_of(message.kind), message.name, message.version);
}

const ParsedMessage* find(const ParsedBundle& bundle, const ParsedMessage& wanted) {
  for (const ParsedMessage& message : bundle.messages) {
    if (message.kind == wanted.kind && message.name == wanted.name && message.version == wanted.version) return &message;
  }
  return nullptr;
}

bool has_other_version(const ParsedBundle& bundle, const ParsedMessage& wanted) {
  return std::any_of(bundle.messages.begin(), bundle.messages.end(),
                     [&](const ParsedMessage& message) { return message.kind == wanted.kind && message.name == wanted.name; });
}

void compare_topics(const ParsedBundle& earlier, const ParsedBundle& present, Changes& out) {
  const auto find_topic = [](const ParsedBundle& bundle, const std::string& name) {
    const auto at = std::find_if(bundle.topics.begin(), bundle.topics.end(), [&](const ParsedTopic& topic) { return topic.name == name; });
    return at == bundle.topics.end() ? nullptr : &*at;
  };
  for (const ParsedTopic& was : earlier.topics) {
    const std::string place = "topic " + was.name;
    const ParsedTopic* is = find_topic(present, was.name);
    if (is == nullptr) {
      out.push_back({true, place, "is gone"});
      continue;
    }
    if (was.topic_class != is->topic_class) {
      out.push_back({is->topic_class != "fact", place, "class was " + was.topic_class + ", is " + is->topic_class});
    } else if (was.retention_ms != is->retention_ms) {
      const bool shorter = is->retention_ms && (!was.retention_ms || *is->retention_ms < *was.retention_ms);
      out.push_back({shorter, place, fmt::format("retention in ms was {}, is {}", limit_text(was.retention_ms), limit_text(is->retention_ms))});
    }
  }
  for (const ParsedTopic& is : present.topics) {
    if (find_topic(earlier, is.name) == nullptr) out.push_back({false, "topic " + is.name, "is new"});
  }
}

}  // namespace

void compare_schemas(const ParsedSchema& earlier, const SchemaTable& earlier_table, const ParsedSchema& present,
                     const SchemaTable& present_table, Use use, const std::string& place, Changes& out) {
  Comparison(earlier_table, present_table, use, out).compare(earlier, present, place);
}

Changes compare_bundles(const ParsedBundle& earlier, const ParsedBundle& present) {
  Changes out;
  compare_topics(earlier, present, out);
  for (const ParsedMessage& was : earlier.messages) {
    const ParsedMessage* is = find(present, was);
    if (is == nullptr) {
      out.push_back({true, place_of(was), has_other_version(present, was) ? "this version is not read any more: it needs an upcaster" : "is gone"});
      continue;
    }
    if (was.topic != is->topic) out.push_back({true, place_of(was), "topic was " + was.topic + ", is " + is->topic});
    compare_schemas(earlier.definitions.at(was.schema), earlier.definitions, present.definitions.at(is->schema), present.definitions,
                    use_of(was.kind), place_of(was) + " ", out);
  }
  for (const ParsedMessage& is : present.messages) {
    if (find(earlier, is) == nullptr) out.push_back({false, place_of(is), "is new"});
  }
  return out;
}

}  // namespace tidemark::schema
