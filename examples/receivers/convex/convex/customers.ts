import { v } from "convex/values";
import { internalMutation, query } from "./_generated/server";

/** Keeps what a customer may use, unless something newer is known. A mutation is a transaction, so two that come at once do no harm. */
export const keep = internalMutation({
  args: { customer: v.string(), appUserId: v.string(), seq: v.number(), access: v.any() },
  handler: async (ctx, told) => {
    const known = await ctx.db
      .query("customers")
      .withIndex("by_customer", (q) => q.eq("customer", told.customer))
      .unique();
    if (known === null) await ctx.db.insert("customers", told);
    else if (told.seq > known.seq) await ctx.db.replace(known._id, told);
  },
});

/** Whether whoever is signed in may use something. */
export const mayUse = query({
  args: { entitlement: v.string() },
  handler: async (ctx, { entitlement }) => {
    const who = await ctx.auth.getUserIdentity();
    if (who === null) return false;
    const known = await ctx.db
      .query("customers")
      .withIndex("by_app_user_id", (q) => q.eq("appUserId", who.subject))
      .first();
    return known?.access[entitlement]?.is_active === true;
  },
});
