/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/multiply.h"

struct team_share multiply_share(const struct matrix *matrix, size_t member,
				 size_t members)
{
	size_t panels = (matrix->rows + PANEL_ROWS - 1) / PANEL_ROWS;
	struct team_share share = team_share(panels, member, members);

	share.first *= PANEL_ROWS;
	share.end *= PANEL_ROWS;
	if (share.end > matrix->rows)
		share.end = matrix->rows;
	return share;
}

static void multiply_panels(const struct kernel *kernel,
			    const struct matrix *matrix,
			    const struct multiply_input *in,
			    struct team_share share, struct multiply_output out)
{
	const struct product product = {
		.format = matrix_panels_of(matrix->format),
		.panels = matrix->data +
			  share.first / PANEL_ROWS * matrix->stride,
		.outputs = share.end - share.first,
		.x = in->activation,
		.rows = in->rows,
		.out = out.values + share.first,
		.stride = out.stride,
	};

	if (in->activation->form == ACTIVATION_BF16 &&
	    product_takes_bf16(product.format))
		kernel->product_bf16(&product);
	else
		kernel->product(&product);
}

void multiply(const struct kernel *kernel, const struct matrix *matrix,
	      const struct multiply_input *in, struct team_share share,
	      struct multiply_output out)
{
	struct matrix part = *matrix;

	if (share.first == share.end)
		return;
	if (matrix_is_panels(matrix->format)) {
		multiply_panels(kernel, matrix, in, share, out);
		return;
	}
	part.data += share.first * matrix->stride;
	part.rows = share.end - share.first;
	kernel->multiply(&(struct kernel_multiply){ &part, in->values, in->rows,
						    out.values + share.first,
						    out.stride });
}
