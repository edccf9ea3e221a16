/* The file that the guest's gcc compiles: parts of one kind with different types and sizes. */
void show(long value);

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}
