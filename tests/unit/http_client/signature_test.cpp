#include <gtest/gtest.h>

#include "core/base/bytes.hpp"
#include "core/http/client/signature.hpp"

namespace tidemark::http {
namespace {

// The example of docs/formats/webhook-signature.md, made with: printf '%s' "$id.$timestamp.$body" | openssl dgst -sha256 -mac HMAC ...
TEST(SignatureTest, TheExampleOfTheFormatPageHolds) {
  const std::string secret = *from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const auto headers = webhook_signature({secret}, "0192f0c4-5a3e-8f10-9c4d-2b7e6a1f3d58", from_ms(1'763'719'200'123), R"({"name":"ann"})");
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers[0], (std::pair<std::string, std::string>{"webhook-id", "0192f0c4-5a3e-8f10-9c4d-2b7e6a1f3d58"}));
  EXPECT_EQ(headers[1], (std::pair<std::string, std::string>{"webhook-timestamp", "1763719200"}));
  EXPECT_EQ(headers[2], (std::pair<std::string, std::string>{"webhook-signature", "v1,l+UnH4+g4uvtSQmQMeNhZpK+7Q2rXZ+50XLp3vLjClk="}));
  EXPECT_EQ(webhook_secret_text(secret), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
}

TEST(SignatureTest, EveryPartIsSigned) {
  const std::string secret(32, 's');
  const Time now = from_ms(1'700'000'000'000);
  const auto base = webhook_signature({secret}, "id", now, "body");
  EXPECT_EQ(webhook_signature({secret}, "id", now, "body"), base);
  EXPECT_NE(webhook_signature({std::string(32, 't')}, "id", now, "body")[2], base[2]);
  EXPECT_NE(webhook_signature({secret}, "ie", now, "body")[2], base[2]);
  EXPECT_NE(webhook_signature({secret}, "id", now + std::chrono::seconds(1), "body")[2], base[2]);
  EXPECT_NE(webhook_signature({secret}, "id", now, "bodz")[2], base[2]);
  EXPECT_EQ(webhook_signature({std::string(32, 't'), secret}, "id", now, "body")[2].second,
            webhook_signature({std::string(32, 't')}, "id", now, "body")[2].second + " " + base[2].second);
}

}  // namespace
}  // namespace tidemark::http
