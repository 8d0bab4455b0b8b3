// Windows over some of the rows, which are not contiguous.
#include <tocsin/series/windows.hpp>

int main() {
    const tocsin::matrix<float> values(5, 100);
    return tocsin::make_windows(values.topRows(3), 8).ok(); // error: rows are left out
}
