package iam

var accountOperations = map[string]operation{
	"GetAccountSummary":              {anything, getAccountSummary},
	"GetAccountAuthorizationDetails": {anything, getAccountAuthorizationDetails},
	"ListAccountAliases":             {anything, listAccountAliases},
}

// anything is the resource of operations that are about none in particular.
func anything(*call) string { return "*" }

// getAccountSummary counts what there is, beside the quotas that hold here.
func getAccountSummary(c *call) (any, error) {
	type entry struct {
		Key   string `xml:"key"`
		Value int    `xml:"value"`
	}
	versions := 0
	for _, p := range c.dir.policies {
		versions += len(p.Versions)
	}
	type entries struct {
		Entry []entry `xml:"entry"`
	}
	return struct{ SummaryMap entries }{entries{[]entry{
		{"Users", len(c.dir.users)}, {"Roles", len(c.dir.roles)}, {"Groups", 0}, {"Policies", len(c.dir.policies)},
		{"PolicyVersionsInUse", versions}, {"AccountAccessKeysPresent", 1}, {"AccountMFAEnabled", 0}, {"MFADevices", 0}, {"MFADevicesInUse", 0},
		{"AccessKeysPerUserQuota", maxAccessKeys}, {"AttachedPoliciesPerRoleQuota", maxAttached}, {"AttachedPoliciesPerUserQuota", maxAttached},
		{"AssumeRolePolicySizeQuota", maxTrustSize}, {"PolicySizeQuota", maxManagedSize}, {"UserPolicySizeQuota", maxUserInline}, {"RolePolicySizeQuota", maxInlineSize},
		{"VersionsPerPolicyQuota", maxVersions},
	}}}, nil
}

// listAccountAliases answers an empty list: the account has a number and no other name.
func listAccountAliases(c *call) (any, error) {
	return struct {
		AccountAliases members[string]
		paging
	}{}, nil
}
