/* One part of the file that the guest's gcc compiles; `_N`, NUMBER, SIZE and SEED are replaced. */

struct entry_N {
    char key[24];
    NUMBER value;
    struct entry_N *next;
};

struct map_N {
    struct entry_N *buckets[SIZE];
    struct entry_N pool[4 * SIZE];
    unsigned used;
};

static unsigned hash_N(const char *text)
{
    unsigned h = SEED;
    while (*text)
        h = (h ^ (unsigned char)*text++) * 16777619u;
    return h;
}

static struct entry_N *find_N(struct map_N *map, const char *key, int make)
{
    struct entry_N **at = &map->buckets[hash_N(key) % SIZE];
    for (; *at; at = &(*at)->next)
        if (same((*at)->key, key))
            return *at;
    if (!make || map->used == 4 * SIZE)
        return 0;
    struct entry_N *entry = &map->pool[map->used++];
    unsigned i = 0;
    for (; key[i] && i + 1 < sizeof entry->key; i++)
        entry->key[i] = key[i];
    entry->key[i] = 0;
    entry->value = 0;
    entry->next = 0;
    *at = entry;
    return entry;
}

/* Expressions with variables: sums of products of factors. */
struct parser_N {
    const char *at;
    struct map_N *names;
    int depth, errors;
};

static NUMBER sum_N(struct parser_N *p);

static void blanks_N(struct parser_N *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')
        p->at++;
}

static NUMBER factor_N(struct parser_N *p)
{
    NUMBER value = 0;
    blanks_N(p);
    if (*p->at == '(' && p->depth < 50) {
        p->at++;
        p->depth++;
        value = sum_N(p);
        p->depth--;
        blanks_N(p);
        if (*p->at == ')')
            p->at++;
        else
            p->errors++;
    } else if (*p->at == '-') {
        p->at++;
        value = -factor_N(p);
    } else if (*p->at >= '0' && *p->at <= '9') {
        while (*p->at >= '0' && *p->at <= '9')
            value = value * 10 + (NUMBER)(*p->at++ - '0');
    } else if ((*p->at | 32) >= 'a' && (*p->at | 32) <= 'z') {
        char name[24];
        unsigned length = 0;
        while (((*p->at | 32) >= 'a' && (*p->at | 32) <= 'z') || *p->at == '_') {
            if (length + 1 < sizeof name)
                name[length++] = *p->at;
            p->at++;
        }
        name[length] = 0;
        struct entry_N *entry = find_N(p->names, name, 0);
        if (entry)
            value = entry->value;
        else
            p->errors++;
    } else {
        p->errors++;
        if (*p->at)
            p->at++;
    }
    return value;
}

static NUMBER product_N(struct parser_N *p)
{
    NUMBER value = factor_N(p);
    for (;;) {
        blanks_N(p);
        if (*p->at == '*') {
            p->at++;
            value *= factor_N(p);
        } else if (*p->at == '/') {
            p->at++;
            NUMBER by = factor_N(p);
            if (by != 0)
                value /= by;
            else
                p->errors++;
        } else {
            return value;
        }
    }
}

static NUMBER sum_N(struct parser_N *p)
{
    NUMBER value = product_N(p);
    for (;;) {
        blanks_N(p);
        if (*p->at == '+') {
            p->at++;
            value += product_N(p);
        } else if (*p->at == '-') {
            p->at++;
            value -= product_N(p);
        } else {
            return value;
        }
    }
}

/* A machine with a stack, as small interpreters have one. */
enum code_N { PUSH_N, DUP_N, SWAP_N, DROP_N, ADD_N, SUB_N, MUL_N, LESS_N, JUMP_N, JUMPZ_N, LOAD_N,
              STORE_N, CALL_N, RETURN_N, PRINT_N, STOP_N };

NUMBER execute_N(const int *code, unsigned length, NUMBER *memory, long fuel)
{
    NUMBER stack[64];
    unsigned calls[32], top = 0, nested = 0, pc = 0;
    while (fuel-- > 0 && pc < length) {
        int argument = code[pc] >> 8;
        unsigned need = code[pc] & 255;
        if (top + 2 >= 64)
            return -1;
        switch (need) {
        case PUSH_N: stack[top++] = (NUMBER)argument; break;
        case DUP_N: if (top) { stack[top] = stack[top - 1]; top++; } break;
        case SWAP_N: if (top > 1) { NUMBER kept = stack[top - 1]; stack[top - 1] = stack[top - 2]; stack[top - 2] = kept; } break;
        case DROP_N: top -= top > 0; break;
        case ADD_N: if (top > 1) { top--; stack[top - 1] += stack[top]; } break;
        case SUB_N: if (top > 1) { top--; stack[top - 1] -= stack[top]; } break;
        case MUL_N: if (top > 1) { top--; stack[top - 1] *= stack[top]; } break;
        case LESS_N: if (top > 1) { top--; stack[top - 1] = stack[top - 1] < stack[top]; } break;
        case JUMP_N: pc = (unsigned)argument; continue;
        case JUMPZ_N: if (top && stack[--top] == 0) { pc = (unsigned)argument; continue; } break;
        case LOAD_N: stack[top++] = memory[argument & 63]; break;
        case STORE_N: if (top) memory[argument & 63] = stack[--top]; break;
        case CALL_N: if (nested < 32) { calls[nested++] = pc + 1; pc = (unsigned)argument; continue; } break;
        case RETURN_N: if (nested) { pc = calls[--nested]; continue; } return top ? stack[top - 1] : 0;
        case PRINT_N: if (top) show((long)stack[top - 1]); break;
        case STOP_N: return top ? stack[top - 1] : 0;
        default: return -1;
        }
        pc++;
    }
    return top ? stack[top - 1] : 0;
}

/* Sorting, and a heap of what comes next. */
static void sort_N(NUMBER *first, long count)
{
    while (count > 12) {
        NUMBER pivot = first[count / 2];
        long low = 0, high = count - 1;
        while (low <= high) {
            while (first[low] < pivot)
                low++;
            while (pivot < first[high])
                high--;
            if (low <= high) {
                NUMBER kept = first[low];
                first[low++] = first[high];
                first[high--] = kept;
            }
        }
        sort_N(first, high + 1);
        first += low;
        count -= low;
    }
    for (long i = 1; i < count; i++)
        for (long j = i; j > 0 && first[j] < first[j - 1]; j--) {
            NUMBER kept = first[j];
            first[j] = first[j - 1];
            first[j - 1] = kept;
        }
}

NUMBER middle_N(NUMBER *values, long count)
{
    sort_N(values, count);
    return count & 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Products of matrices, by blocks. */
void multiply_N(NUMBER (*restrict c)[SIZE], NUMBER (*restrict a)[SIZE], NUMBER (*restrict b)[SIZE])
{
    for (int ii = 0; ii < SIZE; ii += 8)
        for (int jj = 0; jj < SIZE; jj += 8)
            for (int i = ii; i < ii + 8 && i < SIZE; i++)
                for (int j = jj; j < jj + 8 && j < SIZE; j++) {
                    NUMBER sum = 0;
                    for (int k = 0; k < SIZE; k++)
                        sum += a[i][k] * b[k][j];
                    c[i][j] = sum;
                }
}

/* Text in and out. */
unsigned base64_N(char *to, const unsigned char *from, unsigned bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *start = to;
    for (; bytes >= 3; bytes -= 3, from += 3) {
        unsigned three = (unsigned)from[0] << 16 | (unsigned)from[1] << 8 | from[2];
        for (int by = 18; by >= 0; by -= 6)
            *to++ = digits[three >> by & 63];
    }
    if (bytes) {
        unsigned rest = (unsigned)from[0] << 16 | (bytes > 1 ? (unsigned)from[1] << 8 : 0);
        *to++ = digits[rest >> 18];
        *to++ = digits[rest >> 12 & 63];
        *to++ = bytes > 1 ? digits[rest >> 6 & 63] : '=';
        *to++ = '=';
    }
    *to = 0;
    return (unsigned)(to - start);
}

static int match_N(const char *pattern, const char *text)
{
    for (;; pattern++, text++) {
        switch (*pattern) {
        case 0: return *text == 0;
        case '?': if (!*text) return 0; break;
        case '*':
            for (; *text; text++)
                if (match_N(pattern + 1, text))
                    return 1;
            return match_N(pattern + 1, text);
        default: if (*pattern != *text) return 0;
        }
    }
}

long days_N(long year, unsigned month, unsigned day)
{
    year -= month <= 2;
    long era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
    return era * 146097 + (long)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

NUMBER evaluate_N(struct map_N *names, const char *text, const char *pattern)
{
    struct parser_N p = { text, names, 0, 0 };
    NUMBER value = sum_N(&p);
    struct entry_N *last = find_N(names, "last", 1);
    if (last)
        last->value = p.errors ? -1 : value;
    for (unsigned i = 0; i < names->used; i++)
        if (match_N(pattern, names->pool[i].key))
            value += names->pool[i].value;
    return value;
}
