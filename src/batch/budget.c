#include "batch/budget.h"

static const int64_t ordinary_max = (int64_t)192 << 20; /* all but few pictures take less */

void budget_init(struct budget *budget, int64_t total, int workers)
{
    int64_t share = total / workers / 2;
    *budget = (struct budget){.total = total};
    if (share == 0 && total > 0)
        share = 1; /* a grant of 0 would be one without a limit */
    budget->ordinary = share < ordinary_max ? share : ordinary_max;
    budget->large = total > budget->ordinary * workers ? total - budget->ordinary * workers : 0;
}

int64_t budget_grant(const struct budget *budget, int64_t need)
{
    if (need <= budget->ordinary)
        return budget->ordinary;
    return need < budget->total ? need : budget->total;
}

/* What a grant takes beyond the ordinary one. */
static int64_t extra(const struct budget *budget, int64_t grant)
{
    return grant > budget->ordinary ? grant - budget->ordinary : 0;
}

bool budget_is_for_one(const struct budget *budget, int64_t grant)
{
    return extra(budget, grant) > budget->large;
}

bool budget_allows(const struct budget *budget, int64_t grant, int flying)
{
    if (budget->taken > budget->large)
        return false;
    if (budget_is_for_one(budget, grant))
        return flying == 0;
    return extra(budget, grant) <= budget->large - budget->taken;
}

void budget_take(struct budget *budget, int64_t grant)
{
    budget->taken += extra(budget, grant);
}

void budget_give_back(struct budget *budget, int64_t grant)
{
    budget->taken -= extra(budget, grant);
}
