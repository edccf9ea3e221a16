/* Floating-point workloads. They use only operations whose result IEEE 754 fixes to the bit, and
 * are compiled without contraction, so the checksums hold everywhere. */
#include "bench.h"

#include <string.h>

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Planets on a line and their pull on each other: square roots and divisions. */
static uint64_t run_orbits(void)
{
    enum { n = 6 };
    struct body {
        double place[3], speed[3], mass;
    } bodies[n];
    for (int i = 0; i < n; i++)
        bodies[i] = (struct body){
            .place = { 1.5 * i, 0.25 * i, -0.125 * i },
            .speed = { 0, 0.5 / (i + 1), 0.01 * i },
            .mass = i ? 0.001 * i : 1,
        };
    for (long round = rounds(120000); round > 0; round--) {
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++) {
                struct body *a = &bodies[i], *b = &bodies[j];
                double way[3], square = 0.01;
                for (int k = 0; k < 3; k++) {
                    way[k] = b->place[k] - a->place[k];
                    square += way[k] * way[k];
                }
                double pull = 0.001 / (square * __builtin_sqrt(square));
                for (int k = 0; k < 3; k++) {
                    a->speed[k] += way[k] * pull * b->mass;
                    b->speed[k] -= way[k] * pull * a->mass;
                }
            }
        for (int i = 0; i < n; i++)
            for (int k = 0; k < 3; k++)
                bodies[i].place[k] += 0.001 * bodies[i].speed[k];
    }
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum = sum * 31 + bits_of(bodies[i].place[0]);
    return sum;
}

/* The Mandelbrot set: short loops that end on a comparison. */
static uint64_t run_mandelbrot(void)
{
    enum { width = 160, height = 120, most = 300 };
    uint64_t sum = 0;
    for (long round = rounds(4); round > 0; round--)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                double cr = 2.75 * x / width - 2, ci = 2.5 * y / height - 1.25;
                double zr = 0, zi = 0;
                int count = 0;
                while (count < most && zr * zr + zi * zi < 4) {
                    double kept = zr * zr - zi * zi + cr;
                    zi = 2 * zr * zi + ci;
                    zr = kept;
                    count++;
                }
                sum = sum * 31 + (uint64_t)count;
            }
    return sum;
}

/* Product of matrices, in either precision. */
#define PRODUCT(name, number)                                        \
    static uint64_t name(void)                                       \
    {                                                                \
        enum { n = 112 };                                            \
        static number a[n][n], b[n][n], c[n][n];                     \
        for (int i = 0; i < n; i++)                                  \
            for (int j = 0; j < n; j++) {                            \
                a[i][j] = (number)(i - j) / 8;                       \
                b[i][j] = (number)(i + j) / 16;                      \
            }                                                        \
        uint64_t sum = 0;                                            \
        for (long round = rounds(48); round > 0; round--) {          \
            for (int i = 0; i < n; i++)                              \
                for (int j = 0; j < n; j++) {                        \
                    number dot = 0;                                  \
                    for (int k = 0; k < n; k++)                      \
                        dot += a[i][k] * b[k][j];                    \
                    c[i][j] = dot;                                   \
                }                                                    \
            for (int i = 0; i < n; i++)                              \
                a[i][i] += c[i][n - 1 - i] / 65536;                  \
            sum = sum * 31 + bits_of((double)c[3][5]);               \
        }                                                            \
        return sum;                                                  \
    }

PRODUCT(run_single, float)
PRODUCT(run_double, double)

/* A fast Fourier transform whose factors come from half-angle steps. */
static uint64_t run_transform(void)
{
    enum { log = 11, n = 1 << log };
    static double re[n], im[n], cosine[log + 1], sine[log + 1];
    /* cosine[k], sine[k]: of a full turn over 2^k. */
    cosine[0] = 1, cosine[1] = -1, cosine[2] = 0, sine[2] = 1;
    for (int k = 3; k <= log; k++) {
        cosine[k] = __builtin_sqrt((1 + cosine[k - 1]) / 2);
        sine[k] = sine[k - 1] / (2 * cosine[k]);
    }
    for (int i = 0; i < n; i++)
        re[i] = (double)(draw() % 2048) / 1024 - 1;
    for (long round = rounds(700); round > 0; round--) {
        for (int k = log; k > 0; k--) {
            int half = 1 << (k - 1);
            for (int start = 0; start < n; start += 2 * half) {
                double wr = 1, wi = 0;
                for (int i = start; i < start + half; i++) {
                    double xr = re[i] - re[i + half], xi = im[i] - im[i + half];
                    re[i] += re[i + half];
                    im[i] += im[i + half];
                    re[i + half] = xr * wr - xi * wi;
                    im[i + half] = xr * wi + xi * wr;
                    double kept = wr * cosine[k] - wi * sine[k];
                    wi = wr * sine[k] + wi * cosine[k];
                    wr = kept;
                }
            }
        }
        for (int i = 0; i < n; i++) {
            re[i] /= 64;
            im[i] /= 64;
        }
    }
    return bits_of(re[5]) ^ bits_of(im[n - 7]) << 1;
}

/* Conversions between integers and both precisions, and comparisons. */
static uint64_t run_convert(void)
{
    uint64_t sum = 0, x = 1;
    for (long round = rounds(6000000); round > 0; round--) {
        x = x * 6364136223846793005 + 1442695040888963407;
        double d = (double)(int64_t)x;
        float f = (float)d;
        sum += (uint64_t)(int64_t)(d / 3) ^ (uint32_t)(int32_t)(f / 8589934592.0f);
        sum += d < (double)f;
    }
    return sum;
}

const struct workload float_workloads[] = {
    { "orbits", run_orbits },
    { "mandelbrot", run_mandelbrot },
    { "single", run_single },
    { "double", run_double },
    { "transform", run_transform },
    { "convert", run_convert },
    { 0 },
};
