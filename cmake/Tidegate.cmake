# How every library and test of the house is declared, so that a room's CMakeLists.txt is a list of files and links.
include_guard()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# One cache for all build trees of one checkout: debug flags do not carry the build directory.
find_program(TIDEGATE_CCACHE ccache)
if(TIDEGATE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${TIDEGATE_CCACHE})
endif()

set(TIDEGATE_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")
if(TIDEGATE_SANITIZE)
  add_compile_options(-fsanitize=${TIDEGATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TIDEGATE_SANITIZE})
endif()
add_link_options(-fuse-ld=lld-19)

add_library(tidegate_options INTERFACE)
target_include_directories(tidegate_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(tidegate_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wunused-result
  -Werror=switch-enum -Werror)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)

# Boost 1.81 headers; Boost.JSON is compiled.
find_package(Boost 1.81 REQUIRED COMPONENTS json)
add_library(tg_json INTERFACE)
target_link_libraries(tg_json INTERFACE Boost::json)

# tg_either(NAME SHARED target ARCHIVE file): a library that is its archive in programs with the property TG_SELF_CONTAINED
# and the shared one elsewhere. Binding the symbols of shared libraries is most of what a short command takes.
function(tg_either name)
  cmake_parse_arguments(ARG "" "SHARED;ARCHIVE" "" ${ARGN})
  find_library(${name}_ARCHIVE NAMES ${ARG_ARCHIVE})
  add_library(${name} INTERFACE)
  if(${name}_ARCHIVE)
    target_link_libraries(${name} INTERFACE
      "$<IF:$<BOOL:$<TARGET_PROPERTY:TG_SELF_CONTAINED>>,${${name}_ARCHIVE},${ARG_SHARED}>")
    target_include_directories(${name} INTERFACE $<TARGET_PROPERTY:${ARG_SHARED},INTERFACE_INCLUDE_DIRECTORIES>)
  else()
    target_link_libraries(${name} INTERFACE ${ARG_SHARED})
  endif()
endfunction()
tg_either(tg_crypto SHARED OpenSSL::Crypto ARCHIVE libcrypto.a)

find_package(GTest REQUIRED)

# tg_library(NAME SOURCES a.cc … LINK lib …): a static library of one room or adapter.
function(tg_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC tidegate_options fmt::fmt ${ARG_LINK})
endfunction()

# tg_test(NAME SOURCES x_test.cc … LINK lib … [LABELS unit]): one test binary, known to ctest under its name.
function(tg_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tidegate_options ${ARG_LINK} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TIDEGATE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(NOT CMAKE_UNITY_BUILD)
    # Four files at once: most of a test's compile time is the headers of GoogleTest and of what it tests.
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(TIDEGATE_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 5")  # unoptimised and watched: many times slower
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  if(component IN_LIST ARG_LABELS)
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK lab)  # one at a time: they share its parts
  endif()
endfunction()
