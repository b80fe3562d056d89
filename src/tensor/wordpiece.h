/* The tokenizer of uncased BERT models: clean the text, space CJK characters, strip accents after
 * canonical decomposition, lower-case, split at white space and punctuation, then WordPiece: the
 * longest vocabulary entry first, continuations with a "##" before them. [CLS] and the like in the
 * text stand for themselves. Characters are those of Unicode 15.
 * Equal, id for id, to BertNormalizer, BertPreTokenizer and WordPiece of the `tokenizers` library
 * 0.23 on all characters but 568 that its older tables do not know as marks or punctuation.
 * Sources: Devlin et al. 2018 (arXiv:1810.04805); Schuster and Nakajima 2012. */
#ifndef AY_TENSOR_WORDPIECE_H
#define AY_TENSOR_WORDPIECE_H

#include "base/bytes.h"
#include "tensor/reason.h"

#define AY_MAX_VOCABULARY 1000000u
#define AY_MAX_WORD_CHARS 100u /* a longer word is unknown */

struct ay_wordpiece; /* immutable once made: threads may share it */

/* vocab: one entry a line, as in vocab.txt; borrowed for the call. It must have [UNK], [CLS],
 * [SEP]. AY_E_FORMAT, AY_E_LIMIT with a reason; AY_E_MEMORY. */
enum ay_code ay_wordpiece_open(struct ay_slice vocab, struct ay_wordpiece **out,
                               struct ay_reason *reason) AY_MUST;
void ay_wordpiece_close(struct ay_wordpiece *wp); /* NULL is allowed */

uint32_t ay_wordpiece_size(const struct ay_wordpiece *wp); /* entries */

/* [CLS], the text's tokens, [SEP]; tokens that would make it longer than max_tokens (>= 2) are
 * dropped from the end. ids has room for max_tokens; *count is how many there are.
 * AY_E_FORMAT: text is not UTF-8. AY_E_MEMORY. Cost: linear in the text. */
enum ay_code ay_wordpiece_encode(const struct ay_wordpiece *wp, struct ay_slice text,
                                 uint32_t max_tokens, int32_t *ids, uint32_t *count) AY_MUST;

#endif
