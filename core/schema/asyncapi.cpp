// AsyncAPI 3.0: the topics of the log as channels, and the messages in them as they look on Kafka (CloudEvents binary mode).

#include <algorithm>
#include <map>

#include "core/event/attributes.hpp"
#include "core/event/json_writer.hpp"
#include "core/runtime/decision_record.hpp"
#include "core/schema/components.hpp"
#include "core/schema/documents.hpp"

namespace tidemark::schema {
namespace {

using event::JsonWriter;

constexpr std::string_view kKafkaBinding = "0.5.0";

/// Record headers of every message: the attributes of the envelope.
std::string cloudevent_headers() {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("type", "object").key("properties").begin_object();
  json.key("content-type").raw(R"({"const":"application/json"})").key("ce_specversion").raw(R"({"const":"1.0"})");
  for (const auto& attribute : event::detail::kAttributes) {
    using enum event::detail::AttributeKind;
    json.key(attribute.header).begin_object().member("type", "string");
    if (attribute.kind == time || attribute.kind == recordedtime) json.member("format", "date-time");
    else if (attribute.kind != text) json.member("pattern", "^[0-9]+$");
    json.end_object();
  }
  json.end_object().key("required").begin_array();
  for (const std::string_view name : {"ce_specversion", "ce_id", "ce_source", "ce_type"}) json.value(name);
  json.end_array().end_object();
  return out;
}

class Writer {
 public:
  explicit Writer(const Installation& installation) : installation_(installation) {
    for (const DomainContract& domain : installation.domains) add(domain);
  }

  std::string finish() const {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("asyncapi", "3.0.0");
    json.key("info").begin_object().member("title", "Tidemark").member("version", installation_.version);
    json.member("description",
                "Topics of the log. Every record is a CloudEvent in binary mode: attributes in ce_ headers, JSON data as value, the "
                "partition key as record key. Lane p is partition p of every topic; order is per partition.").end_object();
    json.member("defaultContentType", "application/json");
    write(json, "channels", channels_);
    write(json, "operations", operations_);
    json.key("components").begin_object();
    write(json, "messages", messages_);
    json.key("messageTraits").begin_object().key("cloudevent").begin_object().key("headers").raw(cloudevent_headers());
    json.key("bindings").begin_object().key("kafka").begin_object().key("key").raw(R"({"type":"string"})");
    json.member("bindingVersion", kKafkaBinding).end_object().end_object().end_object().end_object();
    write(json, "schemas", components_.schemas());
    json.end_object().end_object();
    return out;
  }

 private:
  using Table = std::map<std::string, std::string>;

  static void write(JsonWriter& json, std::string_view name, const Table& table) {
    json.key(name).begin_object();
    for (const auto& [key, value] : table) json.key(key).raw(value);
    json.end_object();
  }

  void add(const DomainContract& domain) {
    components_.add(domain.contract.definitions, domain.name);
    std::vector<std::string> commands;
    std::map<std::string, std::vector<std::string>> events;
    for (const runtime::Message& message : domain.contract.messages) {
      if (message.kind != runtime::Message::Kind::command && message.kind != runtime::Message::Kind::event) continue;
      const std::string id = add_message(domain.name, message.name, message.version, message.description,
                                         Components::reference(message.schema, domain.name));
      if (message.kind == runtime::Message::Kind::command) commands.push_back(id);
      else events[message.topic].push_back(id);
    }
    if (commands.empty() && events.empty()) return;
    const auto home = std::find_if(domain.topics.begin(), domain.topics.end(),
                                   [](const log::TopicSpec& topic) { return topic.topic_class == log::TopicClass::fact; });
    if (home != domain.topics.end()) events[home->name].push_back(lane_taken());
    for (const log::TopicSpec& topic : domain.topics) {
      const bool is_fact = topic.topic_class == log::TopicClass::fact;
      add_channel(topic, is_fact ? "Events, kept for ever" : "Events of bounded retention", events[topic.name], "send");
    }
    const std::string decided = add_message(domain.name, "CommandDecided", 1, "The command, the verdict and the events that it made",
                                            components_.lift(event::json_schema<runtime::DecisionRecord>(), {}));
    add_channel({domain.name + ".commands", log::TopicClass::commands, domain.decisions_retention}, "Inbox: commands of any Kafka client",
                commands, "receive");
    add_channel({domain.name + ".decisions", log::TopicClass::decisions, domain.decisions_retention},
                "One record per command that was decided, accepted or refused", {decided}, "send");
  }

  std::string lane_taken() {
    return add_message("platform", "LaneTaken", 1, "A node took the lane; decisions use the settings in it until the next",
                       components_.lift(event::json_schema<runtime::LaneTaken>(), {}));
  }

  std::string add_message(std::string_view domain, std::string_view name, int version, std::string_view description, const std::string& payload) {
    const std::string id = std::string(domain) + "." + std::string(name) + ".v" + std::to_string(version);
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("name", "tidemark." + id).member("title", name);
    if (!description.empty()) json.member("summary", description);
    json.key("traits").raw(R"([{"$ref":"#/components/messageTraits/cloudevent"}])");
    json.member("contentType", "application/json").key("payload").raw(payload).end_object();
    messages_[id] = std::move(out);
    return id;
  }

  void add_channel(const log::TopicSpec& topic, std::string_view title, const std::vector<std::string>& messages, std::string_view action) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("address", topic.name).member("title", title).key("messages").begin_object();
    for (const std::string& id : messages) {
      json.key(id).begin_object().member("$ref", "#/components/messages/" + id).end_object();
    }
    json.end_object().key("bindings").begin_object().key("kafka").begin_object().member("topic", topic.name);
    json.key("topicConfiguration").begin_object().key("cleanup.policy").raw(R"(["delete"])");
    json.member("retention.ms", topic.retention ? topic.retention->count() : -1).end_object();
    json.member("bindingVersion", kKafkaBinding).end_object().end_object().end_object();
    channels_[topic.name] = std::move(out);

    std::string operation;
    JsonWriter(operation).begin_object().member("action", action).key("channel").begin_object()
        .member("$ref", "#/channels/" + topic.name).end_object().end_object();
    operations_[std::string(action) + "." + topic.name] = std::move(operation);
  }

  const Installation& installation_;
  Components components_;
  Table channels_, operations_, messages_;
};

}  // namespace

std::string make_asyncapi(const Installation& installation) { return Writer(installation).finish(); }

}  // namespace tidemark::schema
