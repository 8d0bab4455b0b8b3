# Included by build.cmake: the parts alone, and the gateway as a user starts it.
if(NOT TOCSIN_BUILD_TESTS)
    return()
endif()
# A file of its own for the path, so that a compiler cache serves the tests of every checkout.
file(GENERATE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/gateway_path_$<CONFIG>.cpp"
     CONTENT "extern const char* const gateway_path;\nconst char* const gateway_path = \"$<TARGET_FILE:tocsin_gateway>\";\n")
function(tocsin_add_gateway_test name)
    add_executable(tocsin_${name}_tests ${ARGN} "${CMAKE_CURRENT_BINARY_DIR}/gateway_path_$<CONFIG>.cpp")
    target_link_libraries(tocsin_${name}_tests PRIVATE tocsin_test_main tocsin_gateway_parts)
    add_dependencies(tocsin_${name}_tests tocsin_gateway)
    add_test(NAME example.tocsin_${name} COMMAND tocsin_${name}_tests)
endfunction()
# What a machine lacks is said by a test that is skipped.
function(tocsin_skip_gateway_test name reason)
    add_test(NAME example.tocsin_${name} COMMAND "${CMAKE_COMMAND}" -E echo "skipped: ${reason}")
    set_tests_properties(example.tocsin_${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped")
endfunction()

tocsin_add_gateway_test(gateway tocsin_gateway/tests/line_ports_test.cpp
                                tocsin_gateway/tests/lines_test.cpp
                                tocsin_gateway/tests/metrics_server_test.cpp
                                tocsin_gateway/tests/mqtt_client_test.cpp
                                tocsin_gateway/tests/mqtt_topics_test.cpp
                                tocsin_gateway/tests/sample_reader_test.cpp
                                tocsin_gateway/tests/imported_network_test.cpp
                                tocsin_gateway/tests/state_file_test.cpp
                                tocsin_gateway/tests/worker_test.cpp)
if(TARGET tocsin_gateway_rdkafka)
    tocsin_add_gateway_test(gateway_kafka tocsin_gateway/tests/kafka_broker_test.cpp
                                          tocsin_gateway/tests/kafka_test.cpp)
else()
    tocsin_skip_gateway_test(gateway_kafka "librdkafka was not found")
endif()

# Debian puts the broker where only root looks.
find_program(TOCSIN_MOSQUITTO mosquitto PATHS /usr/sbin /usr/local/sbin)
mark_as_advanced(TOCSIN_MOSQUITTO)
if(TOCSIN_MOSQUITTO)
    tocsin_add_gateway_test(gateway_mqtt tocsin_gateway/tests/mqtt_test.cpp)
    file(GENERATE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/mosquitto_path.cpp"
         CONTENT "extern const char* const mosquitto_path;\nconst char* const mosquitto_path = \"${TOCSIN_MOSQUITTO}\";\n")
    target_sources(tocsin_gateway_mqtt_tests PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/mosquitto_path.cpp")
else()
    tocsin_skip_gateway_test(gateway_mqtt "the broker mosquitto was not found")
endif()
