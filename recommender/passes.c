/* The inner loops of training: one pass over all ratings, user by user.

Nothing here grows with the number of ratings: the arrays are those of the history, mapped from
disk, and one vector is held beside them. Built without contraction of a*b+c, so that the results
are the same, bit for bit, on every processor. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

/* Rows are asked for so many ratings ahead, since the processor cannot guess which come next. */
#define AHEAD 4

enum Trouble { NONE, MISFIT, RANGE, MEMORY };

/* The history, and which of its users are next. */
typedef struct {
    Py_buffer offsets, movies, ratings;
    Py_ssize_t first, last;
} Part;

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

/* The loop of Surprise's SVD.fit: the same operations on the same doubles in the same order. */
static Py_ssize_t
descend(const Part *part, const char *user_taken, const char *movie_taken, double *bu, double *bi,
        double *pu, double *qi, Py_ssize_t k, double mean, double bias_rate, double bias_shrinkage,
        double rate, double shrinkage)
{
    const int64_t *offsets = part->offsets.buf;
    const int32_t *movies = part->movies.buf;
    const float *ratings = part->ratings.buf;
    const int64_t end = offsets[part->last];
    Py_ssize_t done = 0;

    for (Py_ssize_t u = part->first; u < part->last; u++) {
        double *restrict p = pu + u * k;
        if (!user_taken[u])
            continue;
        for (int64_t j = offsets[u]; j < offsets[u + 1]; j++) {
            const Py_ssize_t i = movies[j];
            double *restrict q = qi + i * k;
            double dot = 0;
            if (j + AHEAD < end)
                prefetch(qi + movies[j + AHEAD] * k, (size_t)k * sizeof *qi);
            if (!movie_taken[i])
                continue;
            for (Py_ssize_t f = 0; f < k; f++)
                dot += q[f] * p[f];
            const double err = ratings[j] - (mean + bu[u] + bi[i] + dot);
            bu[u] += bias_rate * (err - bias_shrinkage * bu[u]);
            bi[i] += bias_rate * (err - bias_shrinkage * bi[i]);
            for (Py_ssize_t f = 0; f < k; f++) {
                const double pf = p[f], qf = q[f];
                p[f] += rate * (err * qf - shrinkage * pf);
                q[f] += rate * (err * pf - shrinkage * qf);
            }
            done++;
        }
    }
    return done;
}

static PyObject *
stars_pass(PyObject *self, PyObject *args)
{
    Part part;
    Py_buffer user_taken, movie_taken, bu, bi, pu, qi;
    Py_ssize_t k, done = 0;
    double mean, bias_rate, bias_shrinkage, rate, shrinkage;
    enum Trouble trouble = NONE;

    if (!PyArg_ParseTuple(args, "y*y*y*nny*y*w*w*w*w*nddddd", &part.offsets, &part.movies,
                          &part.ratings, &part.first, &part.last, &user_taken, &movie_taken, &bu,
                          &bi, &pu, &qi, &k, &mean, &bias_rate, &bias_shrinkage, &rate,
                          &shrinkage))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    const Py_ssize_t n_users = user_taken.len, n_movies = movie_taken.len;
    if (k < 1 || count(&part.offsets, sizeof(int64_t)) != n_users + 1 || !fits(&part)
        || count(&bu, sizeof(double)) != n_users || count(&bi, sizeof(double)) != n_movies
        || count(&pu, sizeof(double)) != n_users * k || count(&qi, sizeof(double)) != n_movies * k)
        trouble = MISFIT;
    else if (!in_range(&part, n_movies))
        trouble = RANGE;
    else
        done = descend(&part, user_taken.buf, movie_taken.buf, bu.buf, bi.buf, pu.buf, qi.buf, k,
                       mean, bias_rate, bias_shrinkage, rate, shrinkage);
    Py_END_ALLOW_THREADS
    Py_buffer *held[] = {&part.offsets, &part.movies, &part.ratings, &user_taken, &movie_taken,
                         &bu,           &bi,          &pu,           &qi};
    for (size_t n = 0; n < sizeof held / sizeof *held; n++)
        PyBuffer_Release(held[n]);
    return answer(trouble, done);
}

/* product += Wᵀ D W columns, where row u of W is (base + slope·rating)·movie_scale, and D scales
users. `image` is row u of W times columns. */
static void
multiply(const Part *part, const float *user_scale, const float *movie_scale, float base,
         float slope, const float *columns, float *restrict product, float *restrict image,
         Py_ssize_t width)
{
    const int64_t *offsets = part->offsets.buf;
    const int32_t *movies = part->movies.buf;
    const float *ratings = part->ratings.buf;
    const int64_t end = offsets[part->last];
    const size_t size = (size_t)width * sizeof *columns;

    for (Py_ssize_t u = part->first; u < part->last; u++) {
        for (Py_ssize_t f = 0; f < width; f++)
            image[f] = 0;
        for (int64_t j = offsets[u]; j < offsets[u + 1]; j++) {
            const float *row = columns + movies[j] * width;
            const float weight = (base + slope * ratings[j]) * movie_scale[movies[j]];
            if (j + AHEAD < end)
                prefetch(columns + movies[j + AHEAD] * width, size);
            for (Py_ssize_t f = 0; f < width; f++)
                image[f] += weight * row[f];
        }
        for (int64_t j = offsets[u]; j < offsets[u + 1]; j++) {
            float *restrict row = product + movies[j] * width;
            const float weight
                = (base + slope * ratings[j]) * movie_scale[movies[j]] * user_scale[u];
            if (j + AHEAD < end)
                prefetch(product + movies[j + AHEAD] * width, size);
            for (Py_ssize_t f = 0; f < width; f++)
                row[f] += weight * image[f];
        }
    }
}

static PyObject *
ranking_pass(PyObject *self, PyObject *args)
{
    Part part;
    Py_buffer user_scale, movie_scale, columns, product;
    Py_ssize_t width;
    float base, slope, *image = NULL;
    enum Trouble trouble = NONE;

    if (!PyArg_ParseTuple(args, "y*y*y*nny*y*ffy*w*n", &part.offsets, &part.movies, &part.ratings,
                          &part.first, &part.last, &user_scale, &movie_scale, &base, &slope,
                          &columns, &product, &width))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    const Py_ssize_t n_movies = count(&movie_scale, sizeof(float));
    if (width < 1 || count(&user_scale, sizeof(float)) != count(&part.offsets, sizeof(int64_t)) - 1
        || !fits(&part) || count(&columns, sizeof(float)) != n_movies * width
        || columns.len != product.len)
        trouble = MISFIT;
    else if (!in_range(&part, n_movies))
        trouble = RANGE;
    else if (!(image = malloc((size_t)width * sizeof(float))))
        trouble = MEMORY;
    else
        multiply(&part, user_scale.buf, movie_scale.buf, base, slope, columns.buf, product.buf,
                 image, width);
    free(image);
    Py_END_ALLOW_THREADS
    Py_buffer *held[] = {&part.offsets, &part.movies, &part.ratings, &user_scale,
                         &movie_scale,  &columns,     &product};
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
