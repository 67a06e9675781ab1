#include "core/base/rows.hpp"

namespace tidemark {

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

namespace {

using Visit = FnRef<bool(std::string_view, std::string_view)>;

template <bool Back>
void scan_prefixed(const RowReader& base, const std::string& prefix, std::string_view from, std::string_view to, Visit visit) {
  const std::string first = prefix + std::string(from);
  const std::string end = to.empty() ? prefix_end(prefix) : prefix + std::string(to);
  auto strip = [&](std::string_view key, std::string_view value) { return visit(key.substr(prefix.size()), value); };
  if constexpr (Back) base.scan_back(first, end, strip);
  else base.scan(first, end, strip);
}

}  // namespace

bool PrefixedRows::get(std::string_view key, std::string& value) const { return base_->get(prefix_ + std::string(key), value); }
void PrefixedRows::scan(std::string_view from, std::string_view to, Visit visit) const { scan_prefixed<false>(*base_, prefix_, from, to, visit); }
void PrefixedRows::scan_back(std::string_view from, std::string_view to, Visit visit) const { scan_prefixed<true>(*base_, prefix_, from, to, visit); }
void PrefixedRows::put(std::string_view key, std::string_view value) { base_->put(prefix_ + std::string(key), value); }
void PrefixedRows::erase(std::string_view key) { base_->erase(prefix_ + std::string(key)); }

bool PrefixedReader::get(std::string_view key, std::string& value) const { return base_->get(prefix_ + std::string(key), value); }
void PrefixedReader::scan(std::string_view from, std::string_view to, Visit visit) const { scan_prefixed<false>(*base_, prefix_, from, to, visit); }
void PrefixedReader::scan_back(std::string_view from, std::string_view to, Visit visit) const { scan_prefixed<true>(*base_, prefix_, from, to, visit); }

}  // namespace tidemark
