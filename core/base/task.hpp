#pragma once
// Task<T>: a lazy coroutine, awaited once. Independent of Asio, so that the same code runs on the virtual scheduler.
//
// Mind g++ 12: an aggregate or an owning lambda built in the same full expression as a co_await is destroyed
// twice. Build it on one line, await on the next. Parameters used after a suspension are taken by value.

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/base/assert.hpp"
#include "core/base/fn.hpp"
#include "core/base/scheduler.hpp"

namespace tidemark {

template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
    auto next = self.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& v) { value.emplace(std::forward<U>(v)); }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() noexcept {}
  void take() {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  Task() = default;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { if (handle_) handle_.destroy(); }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> handle;
      bool await_ready() const noexcept { return !handle || handle.done(); }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
        handle.promise().continuation = caller;
        return handle;
      }
      T await_resume() { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() { return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this)); }
inline Task<void> Promise<void>::get_return_object() { return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this)); }

struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }  // a detached task handles its own errors
  };
};
inline Detached run_detached(Task<void> task, Fn<void()> done) {
  co_await std::move(task);
  if (done) done();
}
}  // namespace detail

/// Starts `task` now on the calling thread; `done` runs when it has ended. An exception that leaves it ends the process.
inline void spawn(Task<void> task, Fn<void()> done = nullptr) { detail::run_detached(std::move(task), std::move(done)); }

/// Awaitable around a completion callback: `start` gets a function to call exactly once with the value, on the
/// thread where the awaiting coroutine is to go on. It may be called before `start` returns.
///
///   auto start = [&](Fn<void(Result<Appended>)> done) { log.append(std::move(batch), std::move(done)); };
///   auto appended = co_await Callback<Result<Appended>>(std::move(start));
template <class T>
class Callback {
 public:
  using Done = Fn<void(T)>;
  explicit Callback(Fn<void(Done)> start) : start_(std::move(start)) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    auto start = std::move(start_);
    start(Done([this](T value) {
      value_.emplace(std::move(value));
      if (suspended_) caller_.resume();
    }));
    if (value_) return false;  // completed inside start: go on without suspending
    suspended_ = true;
    return true;
  }
  T await_resume() { return std::move(*value_); }

 private:
  Fn<void(Done)> start_;
  std::coroutine_handle<> caller_;
  std::optional<T> value_;
  bool suspended_ = false;
};

/// Runs `work` on `where` and goes on with its result on `home`.
///   auto run = [..]() -> Result<X> {...};  auto x = co_await run_on(pool, home, std::move(run));
template <class F>
auto run_on(Executor& where, Executor& home, F work) {
  using T = std::invoke_result_t<F&>;
  auto start = [&where, &home, work = std::move(work)](Fn<void(T)> done) mutable {
    where.post([&home, work = std::move(work), done = std::move(done)]() mutable {
      home.post([value = work(), done = std::move(done)]() mutable { done(std::move(value)); });
    });
  };
  return Callback<T>(std::move(start));
}

/// Resumes on `scheduler` after `delay`.
inline Callback<bool> sleep_for(Scheduler& scheduler, Duration delay) {
  auto start = [&scheduler, delay](Fn<void(bool)> done) {
    scheduler.after(delay, [done = std::move(done)]() mutable { done(true); });
  };
  return Callback<bool>(std::move(start));
}

}  // namespace tidemark
