/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct stamp_date {
	long long year;
	int month; /* 1..12 */
	int day;
};

/*
 * Days since 1970 to a date of the Gregorian calendar. Years begin in March here, so that the leap
 * day is a year's last; 719468 is the number of days from March 1st of year 0 to 1970.
 */
static struct stamp_date stamp_date(long long days)
{
	long long z = days + 719468;
	long long era = z / 146097, in_era = z % 146097; /* 400 years */
	long long year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int in_year = (int)(in_era - (365 * year + year / 4 - year / 100));
	int march_month = (5 * in_year + 2) / 153;
	struct stamp_date d;

	d.day = in_year - (153 * march_month + 2) / 5 + 1;
	d.month = march_month < 10 ? march_month + 3 : march_month - 9;
	d.year = era * 400 + year + (d.month <= 2);
	return d;
}

const char *stamp_format(char *dst, long long seconds, long nanoseconds)
{
	struct stamp_date d = stamp_date(seconds / 86400);
	int s = (int)(seconds % 86400);

	snprintf(dst, STAMP_SIZE, "%04lld-%02d-%02dT%02d:%02d:%02d.%09ldZ", d.year % 10000,
		 d.month, d.day, s / 3600, s / 60 % 60, s % 60, nanoseconds % 1000000000);
	return dst;
}

const char *stamp_now(char *dst)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return stamp_format(dst, now.tv_sec, now.tv_nsec);
}

const char *stamp_now_micro(char *dst)
{
	char *fraction = strchr(stamp_now(dst), '.');

	strcpy(fraction + 1 + 6, "Z");
	return dst;
}
