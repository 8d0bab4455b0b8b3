// A piece that needs the deviation, which an alarm_chain does not know.
#include <tocsin/alarm/alarm_control.hpp>

int main() {
    tocsin::alarm_chain<tocsin::m_of_n, tocsin::minimum_deviation> chain; // unsatisfied: alarm_piece
}
