// A row of a matrix as a sample: its values do not lie next to each other.
#include <tocsin/core/views.hpp>
#include <tocsin/detect/sample_view.hpp>

static tocsin::index_t size_of(tocsin::sample_view<float> sample) {
    return sample.size();
}

int main() {
    const tocsin::matrix<float> values(3, 100);
    return size_of(values.row(0)) == 3; // error: a sample is a column
}
