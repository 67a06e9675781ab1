#include "core/runtime/projection_stores.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tidemark::runtime {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "3.2" is generation 2 of version 3, and "3" its first.
struct Place {
  std::string version;
  std::uint64_t generation = 1;
};
std::optional<Place> parse(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (!number(text.substr(0, dot))) return std::nullopt;
  Place place{std::string(text.substr(0, dot))};
  if (dot == std::string_view::npos) return place;
  const auto generation = number(text.substr(dot + 1));
  if (!generation) return std::nullopt;
  place.generation = *generation;
  return place;
}

}  // namespace

ProjectionStores::ProjectionStores(store::StoreFactory& factory, const ProjectionSpec& spec)
    : factory_(factory), stem_("projections/" + spec.name + "-v"), version_(std::to_string(spec.version)) {}

std::string ProjectionStores::name_of(std::uint64_t generation) const {
  return stem_ + version_ + (generation == 1 ? "" : "." + std::to_string(generation));
}

Result<ProjectionStores::Opened> ProjectionStores::open_current() {
  auto names = factory_.list(stem_);
  if (!names) return names.take_error();
  std::vector<std::uint64_t> generations;
  for (const auto& name : *names) {
    const auto place = parse(std::string_view(name).substr(stem_.size()));
    if (place && place->version == version_) generations.push_back(place->generation);
  }
  std::sort(generations.begin(), generations.end());
  if (generations.empty()) generations.push_back(1);
  Opened current;
  for (;;) {
    current.name = name_of(generations.back());
    auto store = factory_.open(current.name);
    if (!store) return store.take_error();
    current.store = std::move(*store);
    generations.pop_back();
    auto checkpoints = current.store->checkpoints();
    if (!checkpoints) return checkpoints.take_error();
    if (!checkpoints->empty() || generations.empty()) break;
    current.store.reset();
    if (auto removed = factory_.remove(current.name); !removed) return removed.take_error();
  }
  for (const std::uint64_t old : generations) {
    if (auto removed = factory_.remove(name_of(old)); !removed) return removed.take_error();
  }
  return current;
}

Result<ProjectionStores::Opened> ProjectionStores::open_next(const std::string& current) {
  const auto place = parse(std::string_view(current).substr(stem_.size()));
  Opened next;
  next.name = name_of(place->generation + 1);
  if (auto removed = factory_.remove(next.name); !removed) return removed.take_error();
  auto store = factory_.open(next.name);
  if (!store) return store.take_error();
  next.store = std::move(*store);
  return next;
}

Result<void> ProjectionStores::remove_other_versions() {
  auto names = factory_.list(stem_);
  if (!names) return names.take_error();
  for (const auto& name : *names) {
    const auto place = parse(std::string_view(name).substr(stem_.size()));
    if (!place || place->version == version_) continue;
    if (auto removed = factory_.remove(name); !removed) return removed;
  }
  return {};
}

}  // namespace tidemark::runtime
