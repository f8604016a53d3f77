# The words of Drover's build. A room's CMakeLists.txt is one line long because of them:
#
#   drover_library(common_task DEPS common_base)
#   drover_executable(drover-broker SOURCES main.cpp DEPS broker_app)
#   drover_test(unit_common_base DEPS common_base LABELS unit)
#
# DEPS name another room (`common_base`) or a target of a library found by the root
# CMakeLists.txt (`yaml-cpp`, `spdlog::spdlog`). Sources are found by looking into the folder, at
# every build, so that a new file needs no edit here. A room without sources is no error: it
# configures as an empty library, and its executables and tests appear when their files do.

include_guard(GLOBAL)

# What every target of ours is compiled with: C++20, warnings as errors, the repository root as
# include root (`#include "common/base/result.hpp"`), and the flags of the preset (options.cmake).
add_library(drover_options INTERFACE)
target_compile_features(drover_options INTERFACE cxx_std_20)
target_include_directories(drover_options INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/generated")

# Puts into `out` the targets behind the names in DEPS, rooms first.
function(_drover_resolve out owner)
  set(targets "")
  foreach(dep IN LISTS ARGN)
    if(TARGET "drover_${dep}")
      list(APPEND targets "drover_${dep}")
    elseif(TARGET "${dep}")
      list(APPEND targets "${dep}")
    else()
      message(FATAL_ERROR "${owner} depends on '${dep}', which is neither a room declared before "
        "it in the root CMakeLists.txt nor the target of a library found there.")
    endif()
  endforeach()
  set(${out} "${targets}" PARENT_SCOPE)
endfunction()

# drover_library(NAME [FOLDERS dir...] [INCLUDES dir...] [DEPS ...])
#
# The room as a static library `drover_NAME`, alias `drover::NAME`: every .cpp of its folder (or of
# FOLDERS) but main.cpp and those of subfolders, which are rooms of their own. A room of headers
# alone becomes an interface library. INCLUDES adds public include folders to the repository root.
function(drover_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FOLDERS;INCLUDES;DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "drover_library(${name}): what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  if(NOT arg_FOLDERS)
    set(arg_FOLDERS ".")
  endif()

  set(sources "")
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB found CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp")
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  list(SORT sources)
  _drover_resolve(deps "drover_library(${name})" ${arg_DEPS})

  if(sources)
    add_library(drover_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(drover_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(drover::${name} ALIAS drover_${name})
  target_link_libraries(drover_${name} ${scope} drover_options ${deps})
  target_include_directories(drover_${name} ${scope} ${arg_INCLUDES})
  if(name IN_LIST DROVER_ROOMS_WITHOUT_CLEARING)
    set_target_properties(drover_${name} PROPERTIES DROVER_WITHOUT_CLEARING ON)
  endif()
endfunction()

# drover_executable(NAME SOURCES file... [DEPS ...] [GROUP target] [FOLDER dir])
#
# A program in <build>/bin (or <build>/FOLDER). SOURCES are file names or patterns, relative to
# this folder; while none of them exists there is no such target. `GROUP` is the collecting target
# that builds it, `services` unless said: `cmake --build --preset release --target services`.
function(drover_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "GROUP;FOLDER" "SOURCES;DEPS")
  if(NOT arg_GROUP)
    set(arg_GROUP services)
  endif()
  if(NOT arg_FOLDER)
    set(arg_FOLDER bin)
  endif()
  list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  file(GLOB sources CONFIGURE_DEPENDS ${arg_SOURCES})
  if(NOT sources)
    return()
  endif()
  _drover_resolve(deps "drover_executable(${name})" ${arg_DEPS})

  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE drover_options ${deps})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${arg_FOLDER}")
  _drover_group(${arg_GROUP} ${name})
endfunction()

# drover_test(NAME [SOURCES file...] [DEPS ...] [LABELS label...] [TIMEOUT seconds] [ARGS ...])
#
# One GoogleTest program <build>/tests/NAME over this folder's .cpp files (or SOURCES), and one
# ctest entry of the same name: starting a sanitized program once per room, not once per case,
# is what keeps a run fast. Each label is also a target that builds its tests (`--target unit`).
function(drover_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;DEPS;LABELS;ARGS")
  if(NOT DROVER_TESTS)
    return()
  endif()
  if(NOT arg_SOURCES)
    set(arg_SOURCES "*.cpp")
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  file(GLOB sources CONFIGURE_DEPENDS ${arg_SOURCES})
  if(NOT sources)
    return()
  endif()
  list(GET arg_LABELS 0 group)
  _drover_resolve(deps "drover_test(${name})" ${arg_DEPS})

  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE drover_options ${deps} GTest::gmock_main)
  target_compile_definitions(${name} PRIVATE DROVER_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(TARGET drover_precompiled)
    target_precompile_headers(${name} REUSE_FROM drover_precompiled)
  endif()
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  foreach(label IN LISTS arg_LABELS)
    _drover_group(${label} ${name})
  endforeach()

  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1 ${arg_ARGS}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  drover_test_properties(${name} LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT})
endfunction()

# drover_test_properties(NAME [LABELS ...] [TIMEOUT seconds] [ENVIRONMENT VAR=value...])
#
# What every ctest entry of ours shares: labels, a time limit, and the sanitizers' settings.
# A script that leaves with 77 says that it was skipped, and why.
function(drover_test_properties name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;ENVIRONMENT")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${arg_LABELS}"
    TIMEOUT "${arg_TIMEOUT}"
    SKIP_RETURN_CODE 77
    ENVIRONMENT "${DROVER_TEST_ENVIRONMENT};${arg_ENVIRONMENT}")
endfunction()

# Adds `member` to the collecting target `group`, made here unless options.cmake did.
function(_drover_group group member)
  if(NOT TARGET ${group})
    add_custom_target(${group})
  endif()
  add_dependencies(${group} ${member})
endfunction()
