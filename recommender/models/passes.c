/* The inner loops of training: one pass over all ratings, user by user.

Nothing here grows with the number of ratings: the arrays are those of the history, mapped from
disk, and a vector or two are held beside them. Built without contraction of a*b+c, so that the
results are the same, bit for bit, on every processor. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

/* Rows are asked for so many ratings ahead, since the processor cannot guess which come next. */
#define AHEAD 4
#define MAX_FACTORS 1000

/* Where the system can choose as it loads a function, a copy of it for newer processors. */
#if defined(__GNUC__) && defined(__GLIBC__) && defined(__x86_64__)
#define ALSO_WIDE __attribute__((target_clones("default", "avx2")))
#else
#define ALSO_WIDE
#endif

#ifdef __GNUC__
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

enum Trouble { NONE, MISFIT, RANGE, MEMORY };

/* The history, and which of its users are next. */
typedef struct {
    Py_buffer offsets, movies, ratings;
    Py_ssize_t first, last;
} Part;

/* The stars model as it stands, who takes part in it, and how it learns. */
typedef struct {
    Py_buffer user_taken, movie_taken, bu, bi, pu, qi;
    double mean, bias_rate, bias_shrinkage, rate, shrinkage;
} Stars;

static Py_ssize_t
count(const Py_buffer *array, size_t item)
{
    return array->len / (Py_ssize_t)item;
}

/* Whether the arrays of the history fit each other. */
static int
fits(const Part *part)
{
    const int64_t *offsets = part->offsets.buf;
    const Py_ssize_t users = count(&part->offsets, sizeof(int64_t)) - 1;

    if (part->first < 0 || part->first > part->last || part->last > users || offsets[part->first] < 0
        || part->movies.len != part->ratings.len
        || offsets[part->last] > count(&part->movies, sizeof(int32_t)))
        return 0;
    for (Py_ssize_t u = part->first; u < part->last; u++)
        if (offsets[u] > offsets[u + 1])
            return 0;
    return 1;
}

/* Whether every movie's number is below n. */
static int
in_range(const Part *part, Py_ssize_t n)
{
    const int64_t *offsets = part->offsets.buf;
    const int32_t *movies = part->movies.buf;

    for (int64_t j = offsets[part->first]; j < offsets[part->last]; j++)
        if (movies[j] < 0 || movies[j] >= n)
            return 0;
    return 1;
}

static PyObject *
answer(enum Trouble trouble, Py_ssize_t done)
{
    if (trouble == MEMORY)
        return PyErr_NoMemory();
    if (trouble == NONE)
        return PyLong_FromSsize_t(done);
    PyErr_SetString(PyExc_ValueError, trouble == RANGE ? "a movie's number is out of range"
                                                       : "the arrays do not fit each other");
    return NULL;
}

static inline void
prefetch(const void *row, size_t size)
{
#ifdef __GNUC__
    for (size_t byte = 0; byte < size; byte += 64)
        __builtin_prefetch((const char *)row + byte, 1);
#else
    (void)row, (void)size;
#endif
}

/* `descend` for vectors of one size after the other. */
#ifdef __GNUC__
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));
#define VECTOR pair
#define LANES 2
#else
#define VECTOR double
#define LANES 1
#endif
#define NAME(what) what
#define TARGET
#include "descend.h"

#if defined(__GNUC__) && defined(__x86_64__)
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));
#define VECTOR quad
#define LANES 4
#define NAME(what) what##_wide
#define TARGET __attribute__((target("avx2")))
#include "descend.h"
#define WIDE_WORKS() __builtin_cpu_supports("avx2")
#else
#define descend_wide descend
#define WIDE_WORKS() 0
#endif

static PyObject *
stars_pass(PyObject *self, PyObject *args)
{
    Part part;
    Stars stars;
    Py_ssize_t k, done = 0;
    enum Trouble trouble = NONE;

    if (!PyArg_ParseTuple(args, "y*y*y*nny*y*w*w*w*w*nddddd", &part.offsets, &part.movies,
                          &part.ratings, &part.first, &part.last, &stars.user_taken,
                          &stars.movie_taken, &stars.bu, &stars.bi, &stars.pu, &stars.qi, &k,
                          &stars.mean, &stars.bias_rate, &stars.bias_shrinkage, &stars.rate,
                          &stars.shrinkage))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    const Py_ssize_t n_users = stars.user_taken.len, n_movies = stars.movie_taken.len;
    if (k < 1 || k % 4 || k > MAX_FACTORS || count(&part.offsets, sizeof(int64_t)) != n_users + 1
        || !fits(&part) || count(&stars.bu, sizeof(double)) != n_users
        || count(&stars.bi, sizeof(double)) != n_movies
        || count(&stars.pu, sizeof(double)) != n_users * k
        || count(&stars.qi, sizeof(double)) != n_movies * k)
        trouble = MISFIT;
    else if (!in_range(&part, n_movies))
        trouble = RANGE;
    else
        done = (WIDE_WORKS() ? descend_wide : descend)(&part, &stars, k);
    Py_END_ALLOW_THREADS
    Py_buffer *held[] = {&part.offsets,      &part.movies, &part.ratings, &stars.user_taken,
                         &stars.movie_taken, &stars.bu,    &stars.bi,     &stars.pu,
                         &stars.qi};
    for (size_t n = 0; n < sizeof held / sizeof *held; n++)
        PyBuffer_Release(held[n]);
    return answer(trouble, done);
}

/* product += Wᵀ D W columns for the columns from `left` to `right`, where row u of W is
base + slope·rating, and D scales users. `image` is row u of W times these columns. */
ALSO_WIDE static void
multiply(const Part *part, const float *user_scale, float base, float slope, const float *columns,
         float *product, float *restrict image, Py_ssize_t width, Py_ssize_t left,
         Py_ssize_t right)
{
    const int64_t *offsets = part->offsets.buf;
    const int32_t *movies = part->movies.buf;
    const float *ratings = part->ratings.buf;
    const int64_t end = offsets[part->last];
    const Py_ssize_t many = right - left;
    const size_t size = (size_t)many * sizeof *columns;

    for (Py_ssize_t u = part->first; u < part->last; u++) {
        if (user_scale[u] == 0)
            continue;
        for (Py_ssize_t f = 0; f < many; f++)
            image[f] = 0;
        for (int64_t j = offsets[u]; j < offsets[u + 1]; j++) {
            const float *row = columns + movies[j] * width + left;
            const float weight = base + slope * ratings[j];
            if (j + AHEAD < end)
                prefetch(columns + movies[j + AHEAD] * width + left, size);
            for (Py_ssize_t f = 0; f < many; f++)
                image[f] += weight * row[f];
        }
        for (int64_t j = offsets[u]; j < offsets[u + 1]; j++) {
            float *restrict row = product + movies[j] * width + left;
            const float weight = (base + slope * ratings[j]) * user_scale[u];
            if (j + AHEAD < end)
                prefetch(product + movies[j + AHEAD] * width + left, size);
            for (Py_ssize_t f = 0; f < many; f++)
                row[f] += weight * image[f];
        }
    }
}

static PyObject *
ranking_pass(PyObject *self, PyObject *args)
{
    Part part;
    Py_buffer user_scale, columns, product;
    Py_ssize_t width, left, right;
    float base, slope, *image = NULL;
    enum Trouble trouble = NONE;

    if (!PyArg_ParseTuple(args, "y*y*y*nny*ffy*w*nnn", &part.offsets, &part.movies, &part.ratings,
                          &part.first, &part.last, &user_scale, &base, &slope, &columns, &product,
                          &width, &left, &right))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    const Py_ssize_t n_values = count(&columns, sizeof(float));
    if (width < 1 || left < 0 || left >= right || right > width || n_values % width
        || count(&user_scale, sizeof(float)) != count(&part.offsets, sizeof(int64_t)) - 1
        || !fits(&part) || columns.len % (Py_ssize_t)sizeof(float) || columns.len != product.len)
        trouble = MISFIT;
    else if (!in_range(&part, n_values / width))
        trouble = RANGE;
    else if (!(image = malloc((size_t)(right - left) * sizeof(float))))
        trouble = MEMORY;
    else
        multiply(&part, user_scale.buf, base, slope, columns.buf, product.buf, image, width, left,
                 right);
    free(image);
    Py_END_ALLOW_THREADS
    Py_buffer *held[] = {&part.offsets, &part.movies, &part.ratings,
                         &user_scale,   &columns,     &product};
    for (size_t n = 0; n < sizeof held / sizeof *held; n++)
        PyBuffer_Release(held[n]);
    return answer(trouble, part.last - part.first);
}

static PyMethodDef methods[] = {
    {"stars_pass", stars_pass, METH_VARARGS, "See passes.pyi."},
    {"ranking_pass", ranking_pass, METH_VARARGS, "See passes.pyi."},
    {NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "passes", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC
PyInit_passes(void)
{
    return PyModuleDef_Init(&definition);
}
