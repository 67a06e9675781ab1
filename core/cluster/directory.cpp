#include "core/cluster/directory.hpp"

#include <algorithm>
#include <chrono>

namespace tidemark::cluster {
namespace {

constexpr std::string_view kPrefix = "tidemark-";

class LoneDirectory final : public Directory {
 public:
  explicit LoneDirectory(Member self) : sight_(std::make_shared<const Sight>(Sight{{std::move(self)}, std::nullopt})) {}
  std::shared_ptr<const Sight> sight() const override {
    Sight now = *sight_;
    now.seen = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    return std::make_shared<const Sight>(std::move(now));
  }

 private:
  const std::shared_ptr<const Sight> sight_;
};

}  // namespace

std::optional<Member> Directory::owner_of(LaneId lane) const {
  const auto now = sight();
  const auto owner = std::find_if(now->members.begin(), now->members.end(), [lane](const Member& member) {
    return std::find(member.lanes.begin(), member.lanes.end(), lane) != member.lanes.end();
  });
  return owner == now->members.end() ? std::nullopt : std::optional(*owner);
}

std::vector<Member> Directory::peers() const {
  auto others = sight()->members;
  std::erase_if(others, [](const Member& member) { return member.is_self; });
  return others;
}

std::unique_ptr<Directory> make_lone_directory(std::string node_id, std::string url, std::uint32_t lanes) {
  Member self{std::move(node_id), std::move(url), true, {}};
  for (std::uint32_t lane = 0; lane < lanes; ++lane) self.lanes.push_back(LaneId{lane});
  return std::make_unique<LoneDirectory>(std::move(self));
}

std::string member_name(std::string_view node_id, std::string_view url) {
  return std::string(kPrefix) + std::string(node_id) + "@" + std::string(url);
}

Member parse_member_name(std::string_view name) {
  Member member;
  const auto at = name.find('@');
  if (!name.starts_with(kPrefix) || at == name.npos) {
    member.node_id = name;
    return member;
  }
  member.node_id = name.substr(kPrefix.size(), at - kPrefix.size());
  member.url = name.substr(at + 1);
  return member;
}

}  // namespace tidemark::cluster
