// A value or the reason why there is none: what an operation returns whose failure is expected.
//
// The member names are std::expected's (C++23), so that the day's compiler can take over. Our own
// mistakes are assertions (assert.hpp), never results; a library's exception becomes a result in
// the room that called the library.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "common/base/assert.hpp"
#include "common/base/errc.hpp"

namespace drover {

// One refusal or failure, in the words of the catalogue (schemas/wire/errors.yaml).
struct Error {
  Errc code = Errc::internal;
  std::string message;                       // a sentence for a person; never a secret or payload
  std::string field = {};                    // the field that is at fault, empty when none is
  std::chrono::milliseconds retry_after{0};  // 0 = nothing is known of when it may work
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return check(), std::get<0>(state_); }
  const T& value() const& { return check(), std::get<0>(state_); }
  T&& value() && { return check(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  void check() const { DROVER_ASSERT(has_value()); }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace drover
