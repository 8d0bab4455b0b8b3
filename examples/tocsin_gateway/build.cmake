# Included by examples/CMakeLists.txt: the gateway, and its tests. Kafka needs librdkafka; without it
# the command kafka is left out.
file(GLOB gateway_sources CONFIGURE_DEPENDS tocsin_gateway/*.cpp)
list(FILTER gateway_sources EXCLUDE REGEX "/(main|kafka[a-z_]*)\\.cpp$")
find_package(Threads REQUIRED)
add_library(tocsin_gateway_parts STATIC ${gateway_sources})
target_link_libraries(tocsin_gateway_parts PUBLIC tocsin_own tocsin_cli_model CLI11::CLI11
                                                  Threads::Threads)
target_include_directories(tocsin_gateway_parts PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}")
target_precompile_headers(tocsin_gateway_parts PRIVATE <Eigen/Core> <nlohmann/json.hpp>)
if(TOCSIN_XSIMD)
    target_precompile_headers(tocsin_gateway_parts PRIVATE <xsimd/xsimd.hpp>)
endif()

find_path(TOCSIN_RDKAFKA_INCLUDE librdkafka/rdkafka.h)
find_library(TOCSIN_RDKAFKA_LIBRARY rdkafka)
mark_as_advanced(TOCSIN_RDKAFKA_INCLUDE TOCSIN_RDKAFKA_LIBRARY)
if(TOCSIN_RDKAFKA_INCLUDE AND TOCSIN_RDKAFKA_LIBRARY)
    file(GLOB kafka_sources CONFIGURE_DEPENDS tocsin_gateway/kafka*.cpp)
    target_sources(tocsin_gateway_parts PRIVATE ${kafka_sources})
    add_library(tocsin_gateway_rdkafka INTERFACE)
    target_compile_definitions(tocsin_gateway_rdkafka INTERFACE TOCSIN_GATEWAY_KAFKA)
    target_include_directories(tocsin_gateway_rdkafka SYSTEM INTERFACE "${TOCSIN_RDKAFKA_INCLUDE}")
    target_link_libraries(tocsin_gateway_rdkafka INTERFACE "${TOCSIN_RDKAFKA_LIBRARY}")
    target_link_libraries(tocsin_gateway_parts PUBLIC tocsin_gateway_rdkafka)
else()
    message(STATUS "tocsin: tocsin_gateway has no command kafka (librdkafka not found; "
                   "Debian: librdkafka-dev)")
endif()

add_executable(tocsin_gateway tocsin_gateway/main.cpp)
target_link_libraries(tocsin_gateway PRIVATE tocsin_gateway_parts)

include(tocsin_gateway/tests.cmake OPTIONAL)
