#pragma once
// Fn<R(Args...)>: a move-only callable with small-object storage; what queues and completions hold.

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "core/base/assert.hpp"

namespace tidemark {

template <class Signature>
class Fn;

template <class R, class... Args>
class Fn<R(Args...)> {
 public:
  Fn() = default;
  Fn(std::nullptr_t) {}

  template <class F, class D = std::decay_t<F>,
            class = std::enable_if_t<!std::is_same_v<D, Fn> && std::is_invocable_r_v<R, D&, Args...>>>
  Fn(F&& callable) {
    if constexpr (sizeof(D) <= kInline && alignof(D) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<D>) {
      ::new (storage_) D(std::forward<F>(callable));
      ops_ = &kInlineOps<D>;
    } else {
      *reinterpret_cast<D**>(storage_) = new D(std::forward<F>(callable));
      ops_ = &kHeapOps<D>;
    }
  }

  Fn(Fn&& other) noexcept { take(other); }
  Fn& operator=(Fn&& other) noexcept {
    if (this != &other) { reset(); take(other); }
    return *this;
  }
  Fn(const Fn&) = delete;
  Fn& operator=(const Fn&) = delete;
  ~Fn() { reset(); }

  explicit operator bool() const { return ops_ != nullptr; }
  R operator()(Args... args) {
    TM_ASSERT(ops_ != nullptr, "an empty Fn was called");
    return ops_->call(storage_, std::forward<Args>(args)...);
  }

 private:
  static constexpr std::size_t kInline = 48;
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to);
    void (*destroy)(void*);
  };
  template <class D>
  static constexpr Ops kInlineOps{
      [](void* p, Args&&... args) -> R { return (*static_cast<D*>(p))(std::forward<Args>(args)...); },
      [](void* from, void* to) { ::new (to) D(std::move(*static_cast<D*>(from))); static_cast<D*>(from)->~D(); },
      [](void* p) { static_cast<D*>(p)->~D(); }};
  template <class D>
  static constexpr Ops kHeapOps{
      [](void* p, Args&&... args) -> R { return (**static_cast<D**>(p))(std::forward<Args>(args)...); },
      [](void* from, void* to) { *static_cast<D**>(to) = *static_cast<D**>(from); },
      [](void* p) { delete *static_cast<D**>(p); }};

  void take(Fn& other) noexcept {
    if (other.ops_ != nullptr) {
      ops_ = other.ops_;
      ops_->move(other.storage_, storage_);
      other.ops_ = nullptr;
    }
  }
  void reset() {
    if (ops_ != nullptr) { ops_->destroy(storage_); ops_ = nullptr; }
  }

  alignas(std::max_align_t) std::byte storage_[kInline];
  const Ops* ops_ = nullptr;
};

}  // namespace tidemark
