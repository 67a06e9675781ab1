#include "core/http/multipart.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tidemark::http {
namespace {

struct Part {
  PartHead head;
  std::string data;
  bool ended = false;
};
struct Parsed {
  std::vector<Part> parts;
  std::optional<Error> error;
};

Parsed parse(const std::vector<std::string_view>& pieces, const std::string& boundary, std::size_t parts_max = 20, std::size_t head_max = 1024) {
  MultipartParser parser(boundary, parts_max, head_max);
  Parsed out;
  for (const std::string_view piece : pieces) {
    const std::string copy(piece);  // freed after: views that outlive their piece show under AddressSanitizer
    parser.feed(copy);
    for (auto event = parser.next(); event != MultipartParser::Event::need_more; event = parser.next()) {
      if (event == MultipartParser::Event::failed) {
        out.error = parser.error();
        return out;
      }
      if (event == MultipartParser::Event::part_begin) out.parts.push_back({parser.part(), "", false});
      if (event == MultipartParser::Event::data) out.parts.back().data += parser.data();
      if (event == MultipartParser::Event::part_end) out.parts.back().ended = true;
    }
  }
  if (auto ended = parser.end(); !ended) out.error = ended.error();
  return out;
}
Parsed parse_whole(const std::string& body, const std::string& boundary = "b", std::size_t parts_max = 20, std::size_t head_max = 1024) {
  return parse({body}, boundary, parts_max, head_max);
}

const std::string kBody =
    "preamble\r\n--bo\r\n--bou\r\nignored\r\n"
    "--bound \t\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\nContent-Type: application/zip\r\n\r\n"
    "\r\n--boun\r\r\n-\r\n--bounx\r\n\r\n"
    "\r\n--bound\r\nContent-Disposition: form-data; name=empty\r\n\r\n"
    "\r\n--bound\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nvalue"
    "\r\n--bound--epilogue\r\n--bound\r\n";

void expect_parts_of_body(const Parsed& parsed) {
  ASSERT_FALSE(parsed.error) << parsed.error->message;
  ASSERT_EQ(parsed.parts.size(), 3u);
  EXPECT_EQ(parsed.parts[0].head.name, "file");
  EXPECT_TRUE(parsed.parts[0].head.is_file);
  EXPECT_EQ(parsed.parts[0].head.filename, "a.zip");
  EXPECT_EQ(parsed.parts[0].head.content_type, "application/zip");
  EXPECT_EQ(parsed.parts[0].data, "\r\n--boun\r\r\n-\r\n--bounx\r\n\r\n");
  EXPECT_EQ(parsed.parts[1].head.name, "empty");
  EXPECT_FALSE(parsed.parts[1].head.is_file);
  EXPECT_EQ(parsed.parts[1].data, "");
  EXPECT_EQ(parsed.parts[2].data, "value");
  for (const Part& part : parsed.parts) EXPECT_TRUE(part.ended);
}

TEST(Multipart, ParsesABodyCutAtEveryPairOfPositions) {
  const std::string_view body = kBody;
  for (std::size_t i = 0; i <= body.size(); ++i) {
    for (std::size_t j = i; j <= body.size(); ++j) {
      const Parsed parsed = parse({body.substr(0, i), body.substr(i, j - i), body.substr(j)}, "bound");
      expect_parts_of_body(parsed);
      if (::testing::Test::HasFailure()) FAIL() << "cut at " << i << " and " << j;
    }
  }
}

TEST(Multipart, ParsesABodyInPiecesOfEverySize) {
  for (std::size_t size = 1; size <= kBody.size(); ++size) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < kBody.size(); at += size) pieces.push_back(std::string_view(kBody).substr(at, size));
    expect_parts_of_body(parse(pieces, "bound"));
  }
}

TEST(Multipart, NoTruncationIsWellFormed) {
  const auto end = kBody.find("--epilogue") + 2;
  for (std::size_t size = 0; size < end; ++size) EXPECT_TRUE(parse_whole(kBody.substr(0, size), "bound").error) << size;
}

TEST(Multipart, AcceptsAnEmptyForm) {
  const Parsed parsed = parse_whole("--b--\r\n");
  EXPECT_FALSE(parsed.error);
  EXPECT_TRUE(parsed.parts.empty());
}

TEST(Multipart, AcceptsAPartWithoutEmptyLineBeforeTheDelimiter) {
  const Parsed parsed = parse_whole("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--");
  ASSERT_FALSE(parsed.error);
  ASSERT_EQ(parsed.parts.size(), 1u);
  EXPECT_EQ(parsed.parts[0].data, "");
}

std::string one_part(const std::string& head) { return "--b\r\n" + head + "\r\n\r\nx\r\n--b--"; }

TEST(Multipart, ReadsNamesHoweverTheyAreWritten) {
  struct Case {
    const char* disposition;
    const char* name;
    const char* filename;
  };
  const Case cases[] = {
      {"form-data; name=plain", "plain", ""},
      {"Form-Data ; NAME = x", nullptr, nullptr},
      {"form-data;name=\"with \\\"quotes\\\" and ;semi\"", "with \"quotes\" and ;semi", ""},
      {"form-data; name=\"f\"; filename=\"C:\\dir\\file.zip\"", "f", "C:\\dir\\file.zip"},
      {"form-data; name=\"f\"; filename=\"\"", "f", ""},
      {"form-data; name=\"f\"; filename=\"plain\"; filename*=UTF-8''na%C3%AFve%20x", "f", "na\xC3\xAFve x"},
      {"form-data; filename*=utf-8'en'a; filename=b; name=f;", "f", "a"},
      {"form-data; name=\"open", nullptr, nullptr},
      {"form-data; name=a; name=b", nullptr, nullptr},
      {"form-data", nullptr, nullptr},
      {"attachment; name=a", nullptr, nullptr},
      {"form-data; name=f; filename*=UTF-8''%zz", nullptr, nullptr},
      {"form-data; name=f; filename*=latin1''a", nullptr, nullptr},
      {"form-data name=a", nullptr, nullptr},
  };
  for (const Case& each : cases) {
    const Parsed parsed = parse_whole(one_part(std::string("Content-Disposition: ") + each.disposition));
    if (each.name == nullptr) {
      EXPECT_TRUE(parsed.error) << each.disposition;
      continue;
    }
    ASSERT_FALSE(parsed.error) << each.disposition;
    EXPECT_EQ(parsed.parts[0].head.name, each.name);
    EXPECT_EQ(parsed.parts[0].head.filename, each.filename);
    EXPECT_EQ(parsed.parts[0].head.is_file, std::string(each.disposition).find("filename") != std::string::npos);
  }
}

TEST(Multipart, RefusesMalformedParts) {
  const std::string good = "Content-Disposition: form-data; name=a";
  for (const std::string& head : {std::string("Content-Type: text/plain"), good + "\r\n" + good, good + "\r\nnocolon", good + "\r\n folded: x", good + "\r\nA: \x01",
                                  good + "\r\nA: a\rb", std::string("")}) {
    const Parsed parsed = parse_whole(one_part(head));
    ASSERT_TRUE(parsed.error) << head;
    EXPECT_EQ(parsed.error->code, Code::invalid_argument) << head;
  }
  for (const char* body : {"--b\nContent-Disposition: form-data; name=a\n\nx\n--b--", "--bX\r\n", "--b-x", "--b \rx", "no boundary", ""}) {
    EXPECT_TRUE(parse_whole(body).error) << body;
  }
}

TEST(Multipart, KeepsItsLimits) {
  std::string body;
  for (int i = 0; i < 3; ++i) body += "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n";
  body += "--b--";
  EXPECT_FALSE(parse_whole(body, "b", 3).error);
  EXPECT_EQ(parse_whole(body, "b", 2).error->code, Code::invalid_argument);
  EXPECT_EQ(parse_whole(one_part("Content-Disposition: form-data; name=" + std::string(2000, 'n')), "b", 20, 1024).error->code, Code::invalid_argument);
  EXPECT_EQ(parse_whole("--b\r\n" + std::string(2000, 'n'), "b", 20, 1024).error->code, Code::invalid_argument);
}

TEST(Multipart, FindsTheBoundary) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data;charset=x; Boundary=\"a b'c\""), "a b'c");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'x')), std::string(70, 'x'));
  for (const std::string& type : {std::string("multipart/form-data"), std::string("multipart/mixed; boundary=a"), std::string("application/json"), std::string(""),
                                  "multipart/form-data; boundary=" + std::string(71, 'x'), std::string("multipart/form-data; boundary="), std::string("multipart/form-data; boundary=\"a "),
                                  std::string("multipart/form-data; boundary=\"a \""), std::string("multipart/form-data; boundary=a\x01"), std::string("multipart/form-data; boundary=a; boundary=b")}) {
    EXPECT_FALSE(multipart_boundary(type)) << type;
  }
}

}  // namespace
}  // namespace tidemark::http
