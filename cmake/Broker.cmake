# Tests against a real Kafka broker, which ops/kafka/start fetches with Maven. Without Java and Maven they are not there, and the
# configuration says so; in continuous integration that is an error.
find_program(TIDEMARK_JAVA java)
find_program(TIDEMARK_MAVEN mvn)
if(TIDEMARK_JAVA AND TIDEMARK_MAVEN)
  set(TIDEMARK_BROKER ON)
elseif("$ENV{CI}" STREQUAL "true")
  message(FATAL_ERROR "The tests against Kafka need java (17) and mvn: ops/setup --ci installs them")
else()
  set(TIDEMARK_BROKER OFF)
  message(STATUS "NOT TESTED: nothing runs against a Kafka broker, since java (17) or mvn is missing; ops/setup --ci installs them")
endif()

# tm_broker_tests(<name> COMMAND ... [TIMEOUT seconds] [RELEASES ...]): a test for each broker release, "<name>_<release>", of label ci. With
# RELEASES for those only: what is about our nodes rather than the broker need not be seen beside each.
function(tm_broker_tests name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;RELEASES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_RELEASES)
    set(ARG_RELEASES 3.9 4.1)
  endif()
  foreach(release ${ARG_RELEASES})
    add_test(NAME ${name}_kafka_${release} COMMAND ${ARG_COMMAND})
    set_tests_properties(${name}_kafka_${release} PROPERTIES LABELS ci TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT KAFKA_VERSION=${release}
      RESOURCE_LOCK kafka_broker)  # one broker at a time: each has a heap
  endforeach()
endfunction()

# tm_broker_program(<name> SOURCES ... DEPS ...): a GoogleTest program, run against each release.
function(tm_broker_program name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tm_options ${ARG_DEPS} tm_broker GTest::gtest GTest::gtest_main)
  if(TIDEMARK_BROKER)
    tm_broker_tests(${name} COMMAND ${name} TIMEOUT ${ARG_TIMEOUT})
  endif()
endfunction()
