#include "core/event/record.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core/event/cloudevents.hpp"

namespace tidemark::event {

// Compared here only: the code has no use for equal envelopes.
bool operator==(const Envelope& a, const Envelope& b) {
  const auto all = [](const Envelope& e) {
    return std::tie(e.id, e.source, e.type, e.subject, e.time, e.dataschema, e.partitionkey, e.boundary, e.sequence,
                    e.correlationid, e.causationid, e.commandid, e.recordedtime, e.traceparent, e.tenant, e.actor, e.tmseq,
                    e.tmdecision, e.tmkey, e.extensions);
  };
  return all(a) == all(b);
}

namespace {

Envelope small_envelope() {
  Envelope e;
  e.id = "0190f5a3-7b5c-7000-8000-000000000001";
  e.source = "/tidemark/builds";
  e.type = "tidemark.builds.BuildSubmitted.v1";
  e.time = from_ms(1769903999123);
  return e;
}

Envelope full_envelope() {
  Envelope e = small_envelope();
  e.subject = "b-1";
  e.dataschema = "/schemas/builds/BuildSubmitted.v1.json";
  e.partitionkey = "b-1";
  e.boundary = "pool-a";
  e.sequence = 42;
  e.correlationid = "c";
  e.causationid = "d";
  e.commandid = "e";
  e.recordedtime = from_ms(1769904000000);
  e.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  e.tenant = "t";
  e.actor = "operator";
  e.tmseq = Tmseq{7};
  e.tmdecision = DecisionRef{Tmseq{18446744073709551615u}, 4294967295u};
  e.tmkey = "k1";
  e.extensions = {{"color", "blue"}, {"shape", ""}};
  return e;
}

// A record that owns its headers, so that tests can change them.
struct OwnRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  explicit OwnRecord(const RecordView& record)
      : key(record.key), value(record.value), timestamp_ms(record.timestamp_ms) {
    for (const auto& header : record.headers) headers.emplace_back(header.name, header.value);
  }
  OwnRecord& set(std::string_view name, std::optional<std::string> value) {
    for (auto& header : headers) {
      if (header.first == name) { header.second = value; return *this; }
    }
    headers.emplace_back(name, value);
    return *this;
  }
  OwnRecord& drop(std::string_view name) {
    std::erase_if(headers, [&](const auto& header) { return header.first == name; });
    return *this;
  }
  Result<Event> decode() const {
    std::vector<HeaderView> views;
    for (const auto& header : headers) views.push_back({header.first, header.second});
    RecordView record;
    record.timestamp_ms = timestamp_ms;
    if (key) record.key = *key;
    if (value) record.value = *value;
    record.headers = views;
    return decode_record(record);
  }
};

OwnRecord sample_record() {
  RecordEncoder encoder;
  const Envelope envelope = full_envelope();
  return OwnRecord(encoder.encode(envelope, "{}"));
}

std::string error_of(const OwnRecord& record) {
  const auto event = record.decode();
  return event.ok() ? "" : event.error().message;
}

TEST(Record, IsWrittenAsTheKafkaBindingOfCloudEventsSays) {
  RecordEncoder encoder;
  const Envelope envelope = full_envelope();
  const RecordView& record = encoder.encode(envelope, R"({"a":1})");
  EXPECT_EQ(record.key, "b-1");
  EXPECT_EQ(record.value, R"({"a":1})");
  EXPECT_EQ(record.timestamp_ms, 1769903999123);
  std::string text;
  for (const auto& header : record.headers) text += std::string(header.name) + ": " + std::string(*header.value) + "\n";
  EXPECT_EQ(text,
            "content-type: application/json\n"
            "ce_specversion: 1.0\n"
            "ce_id: 0190f5a3-7b5c-7000-8000-000000000001\n"
            "ce_source: /tidemark/builds\n"
            "ce_type: tidemark.builds.BuildSubmitted.v1\n"
            "ce_subject: b-1\n"
            "ce_time: 2026-01-31T23:59:59.123Z\n"
            "ce_dataschema: /schemas/builds/BuildSubmitted.v1.json\n"
            "ce_partitionkey: b-1\n"
            "ce_tmboundary: pool-a\n"
            "ce_sequence: 00000000000000000042\n"
            "ce_correlationid: c\n"
            "ce_causationid: d\n"
            "ce_commandid: e\n"
            "ce_recordedtime: 2026-02-01T00:00:00.000Z\n"
            "ce_traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"
            "ce_tenant: t\n"
            "ce_actor: operator\n"
            "ce_tmseq: 7\n"
            "ce_tmdecision: 18446744073709551615.4294967295\n"
            "ce_tmkey: k1\n"
            "ce_color: blue\n"
            "ce_shape: \n");
}

TEST(Record, GivesBackTheEventAlsoWhenTheEncoderIsReused) {
  RecordEncoder encoder;
  Event reused;
  for (const Envelope& envelope : {full_envelope(), small_envelope(), full_envelope()}) {
    const RecordView& record = encoder.encode(envelope, R"({ "kept": 1.0 })");
    ASSERT_TRUE(decode_record(record, reused).ok());
    EXPECT_TRUE(reused.envelope == envelope);
    const auto event = decode_record(record);
    ASSERT_TRUE(event.ok()) << event.error().message;
    EXPECT_TRUE(event->envelope == envelope);
    EXPECT_EQ(event->data, R"({ "kept": 1.0 })");
    const auto only = decode_envelope(record);
    ASSERT_TRUE(only.ok());
    EXPECT_TRUE(*only == envelope);
  }
}

TEST(Record, NamesTheAttributeThatIsWrong) {
  struct Case { OwnRecord record; std::string error; };
  const std::string time = "must be a time as RFC 3339 writes it";
  auto twice = sample_record(), twice_unknown = sample_record();
  twice.headers.emplace_back("ce_id", "x");
  twice_unknown.headers.emplace_back("ce_color", "x");
  const std::vector<Case> cases = {
      {sample_record().drop("ce_specversion"), "record header ce_specversion is missing"},
      {sample_record().set("ce_specversion", "0.3"), "record header ce_specversion must be 1.0"},
      {sample_record().drop("ce_id"), "record header ce_id is missing"},
      {sample_record().set("ce_id", ""), "record header ce_id must not be empty"},
      {sample_record().drop("ce_source"), "record header ce_source is missing"},
      {sample_record().drop("ce_type"), "record header ce_type is missing"},
      {sample_record().set("ce_time", "yesterday"), "record header ce_time " + time},
      {sample_record().set("ce_recordedtime", ""), "record header ce_recordedtime " + time},
      {sample_record().set("ce_sequence", "42"), "record header ce_sequence must be 20 decimal digits below 2^64"},
      {sample_record().set("ce_sequence", "99999999999999999999"), "record header ce_sequence must be 20 decimal digits below 2^64"},
      {sample_record().set("ce_sequence", "-0000000000000000001"), "record header ce_sequence must be 20 decimal digits below 2^64"},
      {sample_record().set("ce_tmseq", "07"), "record header ce_tmseq must be a decimal number below 2^64 without leading zeros"},
      {sample_record().set("ce_tmseq", "-1"), "record header ce_tmseq must be a decimal number below 2^64 without leading zeros"},
      {sample_record().set("ce_tmdecision", "7"), "record header ce_tmdecision must be <tmseq>.<index>, both decimal without leading zeros"},
      {sample_record().set("ce_tmdecision", "7.4294967296"), "record header ce_tmdecision must be <tmseq>.<index>, both decimal without leading zeros"},
      {sample_record().set("ce_actor", std::nullopt), "record header ce_actor has no value"},
      {sample_record().set("ce_data", "x"), "record header ce_data is not an attribute"},
      {sample_record().set("content-type", "application/avro"), "record header content-type must be application/json"},
      {twice, "record header ce_id is repeated"},
      {twice_unknown, "record header ce_color is repeated"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(error_of(c.record), c.error);
    EXPECT_EQ(c.record.decode().error().code, Code::corrupt);
  }
}

TEST(Record, ToleratesWhatOtherWritersLeaveOutOrAdd) {
  auto record = sample_record();
  record.drop("ce_time").drop("ce_partitionkey").drop("content-type").set("other", std::nullopt).set("ce_new", "n");
  record.timestamp_ms = 5;
  record.key = "k";
  const auto event = record.decode();
  ASSERT_TRUE(event.ok()) << event.error().message;
  EXPECT_EQ(event->envelope.time, from_ms(5));
  EXPECT_EQ(event->envelope.partitionkey, "k");
  EXPECT_EQ(event->envelope.extensions.back(), (std::pair<std::string, std::string>("new", "n")));
  EXPECT_EQ(error_of(sample_record().set("content-type", "Application/JSON; charset=utf-8")), "");
  EXPECT_EQ(error_of(sample_record().set("content-type", "application/vnd.x+json")), "");
}

TEST(Record, NoDamagedHeaderMisleadsTheDecoder) {
  const auto seed = std::random_device{}();
  std::mt19937_64 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const auto damage = [&](std::string& text) {
    switch (random() % 4) {
      case 0: if (!text.empty()) text[random() % text.size()] = static_cast<char>(random()); break;
      case 1: text.resize(random() % (text.size() + 1)); break;
      case 2: text.insert(random() % (text.size() + 1), 1, static_cast<char>(random())); break;
      default: break;
    }
  };
  RecordEncoder encoder;
  for (int round = 0; round < 20000; ++round) {
    auto record = sample_record();
    auto& header = record.headers[random() % record.headers.size()];
    damage(header.first);
    if (random() % 16 == 0) header.second.reset();
    else damage(*header.second);
    const auto event = record.decode();
    if (!event.ok()) {
      EXPECT_EQ(event.error().code, Code::corrupt);
      continue;
    }
    // What was accepted is written so that it reads the same.
    const auto again = decode_record(encoder.encode(event->envelope, event->data));
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_TRUE(again->envelope == event->envelope);
  }
}

TEST(Record, ReadsStructuredModeToo) {
  auto record = sample_record();
  record.headers = {{"content-type", "application/cloudevents+json; charset=UTF-8"}};
  record.key = "k";
  record.value = R"({"specversion":"1.0","id":"i","source":"/s","type":"t","data":{ "a":1}})";
  auto event = record.decode();
  ASSERT_TRUE(event.ok()) << event.error().message;
  EXPECT_EQ(event->data, R"({ "a":1})");
  EXPECT_EQ(event->envelope.partitionkey, "k");
  EXPECT_EQ(event->envelope.time, from_ms(record.timestamp_ms));
  record.value.reset();
  EXPECT_EQ(error_of(record), "structured CloudEvent: malformed JSON at byte 0: it is empty");
}

TEST(CloudEvents, WritesAndReadsStructuredMode) {
  const Event event{full_envelope(), R"({ "kept": 1.0 })"};
  const std::string json = to_cloudevent(event);
  EXPECT_TRUE(json.starts_with(R"({"specversion":"1.0","id":"0190f5a3-7b5c-7000-8000-000000000001","source":"/tidemark/builds",)")) << json;
  EXPECT_TRUE(json.ends_with(R"("color":"blue","shape":"","datacontenttype":"application/json","data":{ "kept": 1.0 }})")) << json;
  std::vector<FieldError> errors;
  const auto back = from_cloudevent(json, errors);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->envelope == event.envelope);
  EXPECT_EQ(back->data, event.data);
  EXPECT_EQ(to_cloudevent({small_envelope(), ""}),
            R"({"specversion":"1.0","id":"0190f5a3-7b5c-7000-8000-000000000001","source":"/tidemark/builds",)"
            R"("type":"tidemark.builds.BuildSubmitted.v1","time":"2026-01-31T23:59:59.123Z"})");
}

TEST(CloudEvents, ReportsEveryFaultWithItsPointer) {
  const auto errors_of = [](std::string_view json) {
    std::vector<FieldError> errors;
    const auto event = from_cloudevent(json, errors);
    EXPECT_EQ(event.has_value(), errors.empty());
    std::string out;
    for (const auto& error : errors) out += error.pointer + " " + error.message + "\n";
    return out;
  };
  EXPECT_EQ(errors_of(R"({"specversion":"1.1","id":"","source":7,"time":"x","sequence":"1","Bad":"x","ext":1.5,"data_base64":"AA==",)"
                      R"("datacontenttype":"text/plain","subject":"a","subject":"b"})"),
            "/specversion must be \"1.0\"\n"
            "/id must not be empty\n"
            "/source must be a string\n"
            "/time must be a time as RFC 3339 writes it\n"
            "/sequence must be 20 decimal digits below 2^64\n"
            "/Bad is not the name of an attribute: lower-case letters and digits only\n"
            "/ext must be a string, an integer or a boolean\n"
            "/data_base64 is not accepted: data must be JSON, in the member data\n"
            "/datacontenttype must be application/json: data is JSON here\n"
            "/subject duplicate field\n"
            "/type is required\n");
  EXPECT_EQ(errors_of("[]"), " must be an object: a CloudEvent in structured mode\n");
  EXPECT_EQ(errors_of(R"({"specversion":"1.0","id":"i","source":"s","type":"t","subject":null,"n":5,"b":true,"data":null})"), "");
}

TEST(CloudEvents, NoFlippedByteOrTruncationIsFatal) {
  const std::string json = to_cloudevent({full_envelope(), R"({"a":[1,"\u0041"]})"});
  for (std::size_t at = 0; at < json.size(); ++at) {
    for (const int flip : {0, 1, 2, 16, 32, 128, 255}) {
      std::string text = json;
      if (flip == 0) text.resize(at);
      else text[at] = static_cast<char>(text[at] ^ flip);
      std::vector<FieldError> errors;
      const auto event = from_cloudevent(text, errors);
      EXPECT_EQ(event.has_value(), errors.empty());
    }
  }
}

TEST(TypeName, IsSplitOnlyWhenItHasOneSpelling) {
  const auto type = parse_type("tidemark.builds.BuildSubmitted.v12");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->domain, "builds");
  EXPECT_EQ(type->name, "BuildSubmitted");
  EXPECT_EQ(type->version, 12);
  EXPECT_EQ(make_type("builds", "BuildSubmitted", 12), "tidemark.builds.BuildSubmitted.v12");
  for (const std::string_view bad : {"", "tidemark", "tidemark.", "tidemark.builds.v1", "tidemark..X.v1", "tidemark.builds..v1",
                                     "tidemark.builds.X.v", "tidemark.builds.X.v0", "tidemark.builds.X.v01", "tidemark.builds.X.v1a",
                                     "tidemark.builds.X.v99999999999", "other.builds.X.v1", "tidemark.builds.a.b.v1"}) {
    EXPECT_FALSE(parse_type(bad)) << bad;
  }
}

}  // namespace
}  // namespace tidemark::event
