#include <gtest/gtest.h>

#include "core/http/client/address.hpp"

namespace tidemark::http {
namespace {

TEST(AddressTest, OnlyGloballyReachableUnicastIsPublic) {
  for (const char* text : {"1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "193.0.0.1", "223.255.255.255",
                           "::ffff:8.8.8.8", "2606:4700::1111", "2a00::1", "3ffe::1"}) {
    EXPECT_TRUE(is_public(*parse_ip(text))) << text;
  }
  for (const char* text : {"0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1",
                           "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
                           "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1",
                           "fc00::1", "fd12::1", "fe80::1", "ff02::1", "5f00::1"}) {
    EXPECT_FALSE(is_public(*parse_ip(text))) << text;
  }
}

TEST(AddressTest, WhatIsListedIsAllowedAndNothingBeside) {
  auto policy = AddressPolicy::parse({"10.1.0.0/16", "127.0.0.1", "fd00:1::/32", "0.0.0.0/32"});
  ASSERT_TRUE(policy.ok());
  for (const char* text : {"10.1.2.3", "127.0.0.1", "::ffff:10.1.0.9", "fd00:1::5", "8.8.8.8"}) EXPECT_TRUE(policy->allows(*parse_ip(text))) << text;
  for (const char* text : {"10.2.0.1", "127.0.0.2", "fd00:2::5", "::1"}) EXPECT_FALSE(policy->allows(*parse_ip(text))) << text;
  EXPECT_FALSE(policy->is_listed(*parse_ip("8.8.8.8")));
}

TEST(AddressTest, WhatIsNoNetworkIsNamed) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::/129", "example.org", "1.2.3.4/8x", "0x7f.1", "127.1", "010.0.0.1 "}) {
    auto policy = AddressPolicy::parse({text});
    ASSERT_FALSE(policy.ok()) << text;
    EXPECT_NE(policy.error().message.find(std::string("'") + text + "'"), std::string::npos);
  }
  EXPECT_TRUE(AddressPolicy::parse({"0.0.0.0/0", "::/0"}).ok());
}

}  // namespace
}  // namespace tidemark::http
