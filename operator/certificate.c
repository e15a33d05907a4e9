// SPDX-License-Identifier: Apache-2.0
#include "certificate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/mem.h"

/* A client whose clock is behind takes a new certificate all the same. */
#define EARLIER_S 3600

static void free_key(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void free_x509(X509 **p)
{
	X509_free(*p);
}

static void free_bio(BIO **p)
{
	BIO_free(*p);
}

#define autokey  __attribute__((cleanup(free_key))) EVP_PKEY
#define autox509 __attribute__((cleanup(free_x509))) X509
#define autobio  __attribute__((cleanup(free_bio))) BIO

void certificate_done(struct certificate *c)
{
	if (c->key)
		explicit_bzero(c->key, strlen(c->key));
	free(c->key);
	free(c->text);
	*c = (struct certificate){ 0 };
}

static int failed(struct error *e, const char *what)
{
	char why[160] = "no reason given";
	unsigned long code = ERR_peek_last_error();

	if (code)
		ERR_error_string_n(code, why, sizeof(why));
	ERR_clear_error();
	return error_say(e, EINVAL, "%s: %s", what, why);
}

/* --- text --- */

/* Never asks for a password: there is nobody to answer. */
static int no_password(char *buffer, int size, int writes, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

static X509 *read_text(const char *text)
{
	autobio *bio = text ? BIO_new_mem_buf(text, -1) : NULL;
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

	ERR_clear_error();
	return x;
}

static EVP_PKEY *read_key(const char *text)
{
	autobio *bio = text ? BIO_new_mem_buf(text, -1) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	ERR_clear_error();
	return key;
}

static char *text_of(BIO *bio)
{
	char *data, *text;
	long len = BIO_get_mem_data(bio, &data);

	/* Not a string: nothing ends it. */
	text = len > 0 ? malloc((size_t)len + 1) : NULL;
	if (!text)
		return NULL;
	memcpy(text, data, (size_t)len);
	text[len] = '\0';
	return text;
}

static int write_pair(X509 *x, EVP_PKEY *key, struct certificate *ret, struct error *e)
{
	autobio *text = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
	struct certificate made = { 0 };

	if (!text || !secret || !PEM_write_bio_X509(text, x) ||
	    !PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL))
		return failed(e, "write certificate");
	made.text = text_of(text);
	made.key = text_of(secret);
	if (!made.text || !made.key) {
		certificate_done(&made);
		return error_set(e, ENOMEM, "certificate");
	}
	certificate_done(ret);
	*ret = made;
	return 0;
}

/* --- what stands in it --- */

static bool set_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension && X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

static GENERAL_NAME *general_name(const char *name)
{
	GENERAL_NAME *result = GENERAL_NAME_new();
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
	ASN1_IA5STRING *text = address ? NULL : ASN1_IA5STRING_new();

	if (result && address) {
		GENERAL_NAME_set0_value(result, GEN_IPADD, address);
		return result;
	}
	if (result && text && ASN1_STRING_set(text, name, -1)) {
		GENERAL_NAME_set0_value(result, GEN_DNS, text);
		return result;
	}
	ASN1_OCTET_STRING_free(address);
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(result);
	return NULL;
}

/* By structure rather than by the text of a configuration, whose commas and colons a name could abuse. */
static bool set_names(X509 *x, const json_t *names)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	bool ok = list != NULL;
	json_t *item;
	size_t i;

	json_array_foreach(names, i, item)
	{
		GENERAL_NAME *name = general_name(json_string_value(item));

		if (!ok || !name || !sk_GENERAL_NAME_push(list, name)) {
			GENERAL_NAME_free(name);
			ok = false;
			break;
		}
	}
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
	return ok;
}

static bool set_serial(X509 *x)
{
	BIGNUM *number = BN_new();
	bool ok = number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));

	BN_free(number);
	return ok;
}

static bool set_subject(X509 *x, const char *name)
{
	/* The standard has room for 64 bytes; who wants to know reads the names. */
	int len = (int)strnlen(name, 64);

	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
					  (const unsigned char *)name, len, -1, 0) == 1;
}

static X509 *make(EVP_PKEY *key, const char *name, int64_t now, int64_t until)
{
	autox509 *x = X509_new();

	if (!x || !X509_set_version(x, X509_VERSION_3) || !set_serial(x) ||
	    !ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now - EARLIER_S)) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), (time_t)until) || !set_subject(x, name) ||
	    !X509_set_pubkey(x, key))
		return NULL;
	return take_ptr(&x);
}

/* --- from the outside --- */

int certificate_make_authority(const char *name, int64_t now, int64_t seconds,
			       struct certificate *ret, struct error *e)
{
	autokey *key = ret->key ? read_key(ret->key) : EVP_EC_gen("P-256");
	autox509 *x = key ? make(key, name, now, now + seconds) : NULL;

	if (!x || !X509_set_issuer_name(x, X509_get_subject_name(x)) ||
	    !set_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !set_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !set_extension(x, x, NID_subject_key_identifier, "hash") ||
	    !X509_sign(x, key, EVP_sha256()))
		return failed(e, "make authority");
	return write_pair(x, key, ret, e);
}

int certificate_issue(const struct certificate *authority, const json_t *names, int64_t now,
		      int64_t seconds, struct certificate *ret, struct error *e)
{
	autox509 *issuer = read_text(authority->text);
	autokey *issuer_key = read_key(authority->key), *key = NULL;
	int64_t until = now + seconds, most = certificate_not_after(authority->text);
	autox509 *x = NULL;

	if (!issuer || !issuer_key || !X509_check_private_key(issuer, issuer_key)) {
		ERR_clear_error();
		return error_say(e, EINVAL, "it holds no certificate with its key");
	}
	key = EVP_EC_gen("P-256");
	if (key)
		x = make(key, json_string_value(json_array_get(names, 0)), now,
			 until < most ? until : most);
	if (!x || !X509_set_issuer_name(x, X509_get_subject_name(issuer)) ||
	    !set_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
	    !set_extension(x, issuer, NID_key_usage, "critical,digitalSignature") ||
	    !set_extension(x, issuer, NID_ext_key_usage, "serverAuth") ||
	    !set_extension(x, issuer, NID_authority_key_identifier, "keyid:always") ||
	    !set_names(x, names) || !X509_sign(x, issuer_key, EVP_sha256()))
		return failed(e, "issue certificate");
	return write_pair(x, key, ret, e);
}

int64_t certificate_not_after(const char *text)
{
	autox509 *x = read_text(text);
	struct tm tm;

	return x && ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) ? timegm(&tm) : 0;
}

uint64_t certificate_identity(const char *text)
{
	autox509 *x = read_text(text);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	uint64_t identity = 0;

	if (!x || !X509_pubkey_digest(x, EVP_sha256(), digest, &len) || len < sizeof(identity))
		return 0;
	memcpy(&identity, digest, sizeof(identity));
	return identity ? identity : 1;
}
