# How Drover is compiled: warnings, sanitizers, hardening, the compiler cache and the precompiled
# header. A preset (CMakePresets.json) chooses among these; everything lands on the one target
# `drover_options`, so other people's libraries never see it.

include_guard(GLOBAL)

option(DROVER_TESTS "Build the tests, where GoogleTest is installed" ON)
option(DROVER_BENCH "Build the benchmarks" OFF)
option(DROVER_WERROR "Treat warnings as errors" ON)
option(DROVER_HARDENING "Compile with the usual hardening flags" OFF)
option(DROVER_FUZZ "Build the fuzz targets for libFuzzer; clang only" OFF)
option(DROVER_PRECOMPILE "Precompile the headers that all tests include" OFF)
set(DROVER_SANITIZERS "" CACHE STRING "Value for -fsanitize=, such as address,undefined or thread")
set(DROVER_MARCH "" CACHE STRING "Value for -march=, used on x86-64 only")

# --- tests ----------------------------------------------------------------------------------------
# Someone who only wants to run Drover has no GoogleTest, and needs none.
if(DROVER_TESTS)
  find_package(GTest QUIET)
  if(GTest_FOUND)
    enable_testing()
  else()
    message(STATUS "No tests in this build: GoogleTest is missing (scripts/setup --tests installs it)")
    set(DROVER_TESTS OFF)
  endif()
endif()

# The targets that collect others: `cmake --build --preset dev --target unit`.
foreach(group IN ITEMS services unit contract simulation faults bench fuzz)
  add_custom_target(${group})
endforeach()

# --- warnings -------------------------------------------------------------------------------------
target_compile_options(drover_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(DROVER_HARDENING)
  target_compile_options(drover_options INTERFACE -Wformat=2 -Werror=format-security)
endif()
if(DROVER_WERROR)
  target_compile_options(drover_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees an overlap in `"text" + std::string` that is not there (GCC bug 105651).
  target_compile_options(drover_options INTERFACE -Wno-restrict)
  if(DROVER_SANITIZERS)
    # The sanitizers' own branches make g++ 12 doubt std::optional and std::variant.
    target_compile_options(drover_options INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(DROVER_SANITIZERS STREQUAL "thread")
    # ... and short strings that grow.
    target_compile_options(drover_options INTERFACE -Wno-array-bounds -Wno-stringop-overflow)
  endif()
endif()

# --- sanitizers and hardening ---------------------------------------------------------------------
# -fPIE is said here and not through POSITION_INDEPENDENT_CODE: libraries and programs then share
# flags, which sharing a precompiled header needs.
target_compile_options(drover_options INTERFACE -fPIE)
target_link_options(drover_options INTERFACE -pie -Wl,--as-needed)
target_compile_definitions(drover_options INTERFACE _GLIBCXX_ASSERTIONS)
if(DROVER_SANITIZERS)
  target_compile_options(drover_options INTERFACE
    -fsanitize=${DROVER_SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(drover_options INTERFACE -fsanitize=${DROVER_SANITIZERS})
endif()
if(DROVER_HARDENING)
  # What OpenSSF's compiler guide asks for, as far as g++ 12 knows it; scripts/audit-binary reads the
  # outcome back from the programs. Clearing every local variable costs 2.3 % of the core's
  # instructions (bench_core under callgrind), all of it in Results that are returned at once: so
  # these rooms, which hold no buffer, go without. The rest together costs less than 1 %.
  set(DROVER_ROOMS_WITHOUT_CLEARING common_task broker_core)
  set(cleared $<NOT:$<BOOL:$<TARGET_PROPERTY:DROVER_WITHOUT_CLEARING>>>)
  target_compile_options(drover_options INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
    $<${cleared}:-ftrivial-auto-var-init=zero>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    target_compile_options(drover_options INTERFACE -fcf-protection=full)
  endif()
  target_link_options(drover_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(DROVER_MARCH AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  target_compile_options(drover_options INTERFACE -march=${DROVER_MARCH})
endif()
# No path of the building machine in a binary: a debugger started at the repository root finds all.
target_compile_options(drover_options INTERFACE
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-ffile-prefix-map=${PROJECT_BINARY_DIR}=.")

# What the sanitizers are told when a test runs.
set(DROVER_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp:second_deadlock_stack=1")

# --- ccache ---------------------------------------------------------------------------------------
# A precompiled header is only cacheable when ccache may look past its __TIME__ and its -D's, and
# when g++ leaves a note of the header it used (-fpch-preprocess).
find_program(DROVER_CCACHE ccache)
if(DROVER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${DROVER_CCACHE})
  if(DROVER_PRECOMPILE)
    target_compile_options(drover_options INTERFACE -fpch-preprocess)
  endif()
endif()

# --- precompiled header ---------------------------------------------------------------------------
# GoogleTest and the standard library once for all test programs, in the presets where compiling is
# what one waits for. Rooms have none: a standard header costs little, and each file proves that it
# includes what it uses. `release` has none at all: one build stays free of it.
if(DROVER_PRECOMPILE AND DROVER_TESTS)
  add_library(drover_precompiled OBJECT "${CMAKE_CURRENT_LIST_DIR}/precompiled.cpp")
  target_link_libraries(drover_precompiled PRIVATE drover_options GTest::gmock_main)
  target_precompile_headers(drover_precompiled PRIVATE
    <gmock/gmock.h> <gtest/gtest.h> <algorithm> <chrono> <cstdint> <functional> <map> <memory>
    <optional> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)
endif()
