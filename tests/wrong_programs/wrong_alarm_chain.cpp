// A piece that needs the deviation, which an alarm_chain does not know.
#include <tocsin/alarm/alarm_control.hpp>

int main() {
    using deviation = tocsin::minimum_deviation;
    tocsin::alarm_chain<tocsin::m_of_n, deviation> chain; // unsatisfied: alarm_piece
}
