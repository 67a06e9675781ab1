#include "core/base/row_codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <random>

#include "core/base/table.hpp"
#include "core/event/fields.hpp"
#include "tests/unit/base/map_rows.hpp"

namespace tidemark {
namespace {

enum class Colour { red, green, blue = 700 };
enum class Small : std::uint8_t { a = 1, z = 255 };

struct Inner {
  std::string name;
  std::int32_t amount = 0;
  bool operator==(const Inner&) const = default;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (name, amount))

struct Wide {
  bool flag = false;
  std::uint8_t tiny = 0;
  std::int64_t large = 0;
  std::uint64_t larger = 0;
  double ratio = 0;
  std::string text;
  Colour colour = Colour::red;
  Small small = Small::a;
  Uuid id;
  Time at;
  Duration took{};
  std::optional<std::string> maybe;
  std::optional<Time> started;
  std::vector<Inner> inners;
  std::vector<bool> bits;
  std::map<std::string, std::int64_t> counts;
  std::variant<std::monostate, Inner, std::string> either;
  event::Text<1, 8> limited;
  event::Bounded<int, 0, 100> percent;
  event::Json json;
  event::Personal<std::string> personal;
  event::Claimed claimed;
  Tmseq position;
  bool operator==(const Wide&) const = default;
};
BOOST_DESCRIBE_STRUCT(Wide, (), (flag, tiny, large, larger, ratio, text, colour, small, id, at, took, maybe, started, inners, bits,
                                 counts, either, limited, percent, json, personal, claimed, position))

struct Empty {};
BOOST_DESCRIBE_STRUCT(Empty, (), ())

Wide full() {
  Wide row;
  row.flag = true;
  row.tiny = 255;
  row.large = std::numeric_limits<std::int64_t>::min();
  row.larger = std::numeric_limits<std::uint64_t>::max();
  row.ratio = -0.1;
  row.text = std::string("a\0b", 3);
  row.colour = Colour::blue;
  row.small = Small::z;
  row.id = derive_uuid("cause", "test");
  row.at = from_ms(1'700'000'000'123);
  row.took = Duration(-5);
  row.maybe = "";
  row.inners = {{"x", -1}, {"", std::numeric_limits<std::int32_t>::max()}};
  row.bits = {true, false, true};
  row.counts = {{"a", 1}, {"b", -2}};
  row.either = Inner{"e", 7};
  row.limited = "limit";
  row.percent = 42;
  row.json = {R"({"a":1})"};
  row.personal = {"somebody"};
  row.claimed = {"", "ab", 12};
  row.position = Tmseq{9};
  return row;
}

TEST(RowCodec, ARowComesBackAsItWas) {
  EXPECT_EQ(unpack<Wide>(pack(full())), full());
  EXPECT_EQ(unpack<Wide>(pack(Wide{})), Wide{});
  EXPECT_EQ(pack(Empty{}), "");
  EXPECT_NO_THROW(unpack<Empty>(""));
}

TEST(RowCodec, AStringRowIsStoredAsItIs) {
  EXPECT_EQ(pack(std::string(R"({"id":1})")), R"({"id":1})");
  EXPECT_EQ(unpack<std::string>("x"), "x");
}

TEST(RowCodec, TheLayoutIsTheDocumentedOne) {
  EXPECT_EQ(to_hex(pack(Inner{"ab", -3})), "02616205");  // the example of docs/formats/rows.md
}

TEST(RowCodec, EveryTruncationAndEveryTrailingByteIsFound) {
  const std::string bytes = pack(full());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(unpack<Wide>(std::string_view(bytes).substr(0, size)), RowsUnavailable) << size;
  }
  EXPECT_THROW(unpack<Wide>(bytes + '\0'), RowsUnavailable);
}

TEST(RowCodec, RandomBytesEitherDecodeOrThrow) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string good = pack(full());
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (int change = 0; change < 3; ++change) bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      (void)unpack<Wide>(bytes);
    } catch (const RowsUnavailable&) {
    }
  }
}

TEST(RowCodec, AHugeCountTakesNoMemory) {
  std::string bytes;
  put_varint(bytes, std::uint64_t{1} << 62);
  EXPECT_THROW(unpack<std::vector<std::int64_t>>(bytes), RowsUnavailable);
  EXPECT_THROW(unpack<Inner>(bytes), RowsUnavailable);
}

TEST(RowCodec, IntegersOutOfRangeAreFound) {
  EXPECT_THROW(unpack<std::uint8_t>(pack(std::uint64_t{256})), RowsUnavailable);
  EXPECT_THROW(unpack<std::int32_t>(pack(std::int64_t{1} << 31)), RowsUnavailable);
  EXPECT_THROW(unpack<bool>("\x02"), RowsUnavailable);
}

template <class T>
std::string key_of(const T& part) {
  std::string out;
  append_key_part(out, part);
  return out;
}

template <class T>
void expect_sorted(const std::vector<T>& ascending) {
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const std::string key = key_of(ascending[i]) + "rest";
    std::string_view rest = key;
    T back{};
    take_key_part(rest, back);
    EXPECT_TRUE(back == ascending[i]) << i;
    EXPECT_EQ(rest, "rest");
    if (i > 0) {
      EXPECT_LT(key_of(ascending[i - 1]), key_of(ascending[i])) << i;
    }
  }
}

TEST(KeyCodec, BytesSortAsValuesDo) {
  using namespace std::string_literals;
  expect_sorted<std::string>({"", "\0"s, "\0\0"s, "\0\x01"s, "\0\xff"s, "\x01", "a", "a\0"s, "a\0b"s, "a\x01", "ab", "b", "\xff", "\xff\xff"});
  expect_sorted<std::int64_t>({std::numeric_limits<std::int64_t>::min(), -256, -1, 0, 1, 255, 256, std::numeric_limits<std::int64_t>::max()});
  expect_sorted<std::int32_t>({std::numeric_limits<std::int32_t>::min(), -1, 0, 1, std::numeric_limits<std::int32_t>::max()});
  expect_sorted<std::int8_t>({-128, -1, 0, 127});
  expect_sorted<std::uint64_t>({0, 1, 255, 256, std::numeric_limits<std::uint64_t>::max()});
  expect_sorted<bool>({false, true});
  expect_sorted<Colour>({Colour::red, Colour::green, Colour::blue});
  expect_sorted<Small>({Small::a, Small::z});
  expect_sorted<Time>({from_ms(-1), from_ms(0), from_ms(1'700'000'000'000)});
  expect_sorted<std::optional<int>>({std::nullopt, -1, 1});
  expect_sorted<LaneId>({LaneId{0}, LaneId{1}, LaneId{256}});
  expect_sorted<Uuid>({Uuid{}, derive_uuid("a", "b")});
}

TEST(KeyCodec, TheLayoutIsTheDocumentedOne) {
  static constexpr Table<Inner, std::string, Descending<Time>> kTable{16};
  EXPECT_EQ(to_hex(kTable.row_key("ab", from_ms(1))), "1061620001" "7ffffffffffffffe");
}

TEST(KeyCodec, DescendingPartsSortFromTheGreatest) {
  using namespace std::string_literals;
  expect_sorted<Descending<Time>>({from_ms(2), from_ms(1), from_ms(0), from_ms(-1)});
  expect_sorted<Descending<std::string>>({"b"s, "ab"s, "a\0"s, "a"s, "\0"s, ""s});
  expect_sorted<Descending<std::optional<int>>>({std::optional<int>(3), std::optional<int>(1), std::optional<int>()});
}

TEST(KeyCodec, RandomStringsSortAsTheyDoThemselves) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto any = [&] {
    static constexpr char kBytes[] = {'\0', '\x01', '\x02', 'a', '\xfe', '\xff'};
    std::string text(random() % 5, '\0');
    for (auto& c : text) c = kBytes[random() % sizeof kBytes];
    return text;
  };
  for (int round = 0; round < 20'000; ++round) {
    const std::string a = any(), b = any(), c = any(), d = any();
    const bool less = std::pair(a, c) < std::pair(b, d);
    EXPECT_EQ(key_of(a) + key_of(c) < key_of(b) + key_of(d), less);
    EXPECT_EQ(a < b, key_of(Descending<std::string>(a)) > key_of(Descending<std::string>(b)));
  }
}

TEST(KeyCodec, KeysThatAreNoSuchPartsAreFound) {
  for (const std::string_view bad : {std::string_view("abc"), std::string_view("a\0", 2), std::string_view("a\0\x02", 3)}) {
    std::string text;
    std::string_view key = bad;
    EXPECT_THROW(take_key_part(key, text), RowsUnavailable);
  }
  std::int64_t number = 0;
  std::string_view key = "1234567";
  EXPECT_THROW(take_key_part(key, number), RowsUnavailable);
}

TEST(Table, ALeadingPartFindsExactlyItsRows) {
  static constexpr Table<Inner, std::string, std::int64_t> kTable{20};
  test::MapRows rows;
  kTable.put(rows, "a", 1, Inner{"a1", 1});
  kTable.put(rows, "a", -5, Inner{"a-5", 1});
  kTable.put(rows, "ab", 1, Inner{"ab1", 1});
  rows.put("\x15other", "");
  std::string seen;
  const auto visit = [&](const std::tuple<std::string, std::int64_t>& key, const Inner& row) {
    EXPECT_EQ(std::get<0>(key) + std::to_string(std::get<1>(key)), row.name);
    seen += row.name + " ";
    return true;
  };
  kTable.scan(rows, visit, "a");
  EXPECT_EQ(seen, "a-5 a1 ");
  seen.clear();
  kTable.scan(rows, visit, std::string_view("a"), 1);  // an int for an int64_t part
  EXPECT_EQ(seen, "a1 ");
  seen.clear();
  kTable.scan_back(rows, visit);
  EXPECT_EQ(seen, "ab1 a1 a-5 ");
  seen.clear();
  kTable.scan_from(rows, visit, "a", 0);
  EXPECT_EQ(seen, "a1 ab1 ");
  seen.clear();
  kTable.scan_back_before(rows, visit, "a", 1);
  EXPECT_EQ(seen, "a-5 ");
  EXPECT_TRUE(kTable.contains(rows, "ab", 1));
  kTable.erase(rows, "ab", 1);
  EXPECT_FALSE(kTable.get(rows, "ab", 1));
}

}  // namespace
}  // namespace tidemark
