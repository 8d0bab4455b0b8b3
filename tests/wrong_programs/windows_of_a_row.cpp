// Windows over one sensor of several, the samples of which lie apart.
#include <tocsin/series/windows.hpp>

int main() {
    const tocsin::matrix<float> values(5, 100);
    return tocsin::make_windows(values.row(2).leftCols(50), 8).ok(); // error: rows are left out
}
