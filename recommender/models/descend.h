/* The loop of Surprise's SVD.fit, with the operations in another order, since that one waits for
itself: each step needs q·p of a p that the step before has changed, p = keep·p' + step·q'. But q·p
is keep·(q·p') + step·(q·q'), and both products are known before `step` is. So p takes each step
while the next rating is looked at.

passes.c includes this once for each size of vector, which it says by VECTOR, its number of doubles
LANES, NAME and TARGET. Four sums run beside each other whatever the size, so all sizes find the
same, bit for bit; k is a multiple of four. */

/* So many vectors have four doubles. */
#define GROUP (4 / LANES)
#if LANES > 1
#define LANE(sums, l) sums[(l) / LANES][(l) % LANES]
#else
#define LANE(sums, l) sums[l]
#endif
#define SUM(sums) ((LANE(sums, 0) + LANE(sums, 2)) + (LANE(sums, 1) + LANE(sums, 3)))

TARGET static ALWAYS_INLINE Py_ssize_t
NAME(descend_rows)(const Part *part, const Stars *stars, Py_ssize_t k)
{
    const char *user_taken = stars->user_taken.buf, *movie_taken = stars->movie_taken.buf;
    double *bu = stars->bu.buf, *bi = stars->bi.buf, *pu = stars->pu.buf, *qi = stars->qi.buf;
    const double mean = stars->mean, rate = stars->rate, bias_rate = stars->bias_rate;
    const double kept = 1 - rate * stars->shrinkage;
    const double bias_kept = 1 - bias_rate * stars->bias_shrinkage;
    const int64_t *offsets = part->offsets.buf;
    const int32_t *movies = part->movies.buf;
    const float *ratings = part->ratings.buf;
    const int64_t end = offsets[part->last];
    const Py_ssize_t n = k / LANES;
    VECTOR p[MAX_FACTORS / LANES], before[MAX_FACTORS / LANES];
    Py_ssize_t done = 0;

    for (Py_ssize_t u = part->first; u < part->last; u++) {
        VECTOR *restrict row = (VECTOR *)(pu + u * k);
        double keep = 1, step = 0, b = bu[u];
        if (!user_taken[u])
            continue;
        for (Py_ssize_t f = 0; f < n; f++) {
            p[f] = row[f];
            before[f] = (VECTOR){0};
        }
        for (int64_t j = offsets[u]; j < offsets[u + 1]; j++) {
            const Py_ssize_t i = movies[j];
            VECTOR *restrict q = (VECTOR *)(qi + i * k);
            if (j + AHEAD < end)
                prefetch(qi + movies[j + AHEAD] * k, (size_t)k * sizeof *qi);
            if (!movie_taken[i])
                continue;
            VECTOR with_p[GROUP] = {0}, with_before[GROUP] = {0};
            for (Py_ssize_t f = 0; f < n; f += GROUP)
                for (int g = 0; g < GROUP; g++) {
                    with_p[g] += p[f + g] * q[f + g];
                    with_before[g] += before[f + g] * q[f + g];
                }
            const double known = ratings[j] - mean - bi[i] - keep * SUM(with_p);
            const double err = known - (b + step * SUM(with_before));
            b = bias_kept * b + bias_rate * err;
            bi[i] = bias_kept * bi[i] + bias_rate * err;
            for (Py_ssize_t f = 0; f < n; f++) {
                const VECTOR qf = q[f], pf = keep * p[f] + step * before[f];
                p[f] = pf;
                q[f] = kept * qf + rate * err * pf;
                before[f] = qf;
            }
            keep = kept;
            step = rate * err;
            done++;
        }
        for (Py_ssize_t f = 0; f < n; f++)
            row[f] = keep * p[f] + step * before[f];
        bu[u] = b;
    }
    return done;
}

TARGET static Py_ssize_t
NAME(descend)(const Part *part, const Stars *stars, Py_ssize_t k)
{
    /* With a number that the compiler knows, here the default, p and q stay in registers. */
    return k == 20 ? NAME(descend_rows)(part, stars, 20) : NAME(descend_rows)(part, stars, k);
}

#undef GROUP
#undef LANE
#undef SUM
#undef VECTOR
#undef LANES
#undef NAME
#undef TARGET
