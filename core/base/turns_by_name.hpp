#pragma once
// Lets one task at a time do something under a name; others of that name wait, in the order in which they came.
//
//   auto taking = turns.take(name);
//   const auto turn = co_await std::move(taking);   // until `turn` goes

#include <map>
#include <memory>
#include <string>

#include "core/base/turns.hpp"

namespace tidemark {

///   threads  that of `home`. It outlives every turn and every wait
class TurnsByName {
 public:
  explicit TurnsByName(Executor& home) : home_(home) {}
  TurnsByName(const TurnsByName&) = delete;

  Task<std::shared_ptr<void>> take(std::string name) {
    std::shared_ptr<Place>& place = places_[name];
    if (!place) place = std::make_shared<Place>(home_);
    const std::shared_ptr<Place> own = place;
    ++own->users;
    auto taking = own->turns.take();
    Turns::Turn given = co_await std::move(taking);
    auto turn = std::make_shared<Turns::Turn>(std::move(given));
    std::shared_ptr<void> kept(own.get(), [this, own, turn = std::move(turn), name = std::move(name)](void*) mutable {
      turn.reset();
      if (--own->users == 0) places_.erase(name);
    });
    co_return kept;
  }

  std::size_t names() const { return places_.size(); }  ///< under which somebody is, or waits

 private:
  struct Place {
    explicit Place(Executor& home) : turns(home, 1) {}
    Turns turns;
    std::size_t users = 0;
  };
  Executor& home_;
  std::map<std::string, std::shared_ptr<Place>> places_;
};

}  // namespace tidemark
