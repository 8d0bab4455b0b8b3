// Windows over a sum that is never stored.
#include <tocsin/series/windows.hpp>

int main() {
    const tocsin::matrix<float> values(5, 100);
    return tocsin::make_windows(values + values, 8).ok(); // error: computed, not stored
}
