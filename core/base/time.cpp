#include "core/base/time.hpp"

#include <algorithm>

namespace tidemark {
namespace {

void two(std::string& out, unsigned value) {
  out.push_back(static_cast<char>('0' + value / 10));
  out.push_back(static_cast<char>('0' + value % 10));
}

bool digits(std::string_view text, std::size_t at, std::size_t count, int& value) {
  if (at + count > text.size()) return false;
  value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  return true;
}

}  // namespace

std::string to_rfc3339(Time time) {
  using namespace std::chrono;
  constexpr Time kFirst = sys_days(year(0) / January / 1);
  constexpr Time kLast = sys_days(year(10000) / January / 1) - milliseconds(1);
  time = std::clamp(time, kFirst, kLast);
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const auto in_day = (time - day).count();
  const auto ms = static_cast<unsigned>(in_day % 1000);
  const auto seconds = static_cast<unsigned>(in_day / 1000);
  const auto year_number = static_cast<unsigned>(int(date.year()));
  std::string out;
  out.reserve(24);
  two(out, year_number / 100);
  two(out, year_number % 100);
  out.push_back('-');
  two(out, unsigned(date.month()));
  out.push_back('-');
  two(out, unsigned(date.day()));
  out.push_back('T');
  two(out, seconds / 3600);
  out.push_back(':');
  two(out, seconds / 60 % 60);
  out.push_back(':');
  two(out, seconds % 60);
  out.push_back('.');
  out.push_back(static_cast<char>('0' + ms / 100));
  two(out, ms % 100);
  out.push_back('Z');
  return out;
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  int y, mo, d, h, mi, s;
  if (!digits(text, 0, 4, y) || !digits(text, 5, 2, mo) || !digits(text, 8, 2, d) || !digits(text, 11, 2, h) ||
      !digits(text, 14, 2, mi) || !digits(text, 17, 2, s)) {
    return std::nullopt;
  }
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') return std::nullopt;
  const year_month_day date(year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d)));
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;  // 60: a leap second counts as the next second
  std::size_t at = 19;
  int ms = 0;
  if (at < text.size() && text[at] == '.') {
    int scale = 100;
    const std::size_t first = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      ms += (text[at] - '0') * scale;
      scale /= 10;
    }
    if (at == first) return std::nullopt;
  }
  Duration offset(0);
  if (at >= text.size()) return std::nullopt;
  if (text[at] == 'Z' || text[at] == 'z') {
    ++at;
  } else if (text[at] == '+' || text[at] == '-') {
    int oh, om;
    if (!digits(text, at + 1, 2, oh) || at + 3 >= text.size() || text[at + 3] != ':' || !digits(text, at + 4, 2, om)) return std::nullopt;
    if (oh > 23 || om > 59) return std::nullopt;
    offset = hours(oh) + minutes(om);
    if (text[at] == '-') offset = -offset;
    at += 6;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  return Time(sys_days(date)) + hours(h) + minutes(mi) + seconds(s) + milliseconds(ms) - offset;
}

}  // namespace tidemark
