package dynamodb

// describeLimits answers AWS's default quotas of an account. They are not enforced.
func (s *Service) describeLimits(c call) ([]byte, error) {
	if err := s.allow(c.ctx, "DescribeLimits", "*", nil); err != nil {
		return nil, err
	}
	return marshal(map[string]int{
		"AccountMaxReadCapacityUnits": 80000, "AccountMaxWriteCapacityUnits": 80000,
		"TableMaxReadCapacityUnits": 40000, "TableMaxWriteCapacityUnits": 40000,
	}), nil
}

// describeEndpoints answers the address that the caller has used already. It needs no more than a signature.
func (s *Service) describeEndpoints(c call) ([]byte, error) {
	type endpoint struct {
		Address              string
		CachePeriodInMinutes int
	}
	return marshal(map[string]any{"Endpoints": []endpoint{{c.host, 1440}}}), nil
}

// describeContinuousBackups answers that there is no point-in-time recovery: tools ask for it unasked.
func (s *Service) describeContinuousBackups(c call) ([]byte, error) {
	var in struct{ TableName string }
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	if _, err := s.named(c, "DescribeContinuousBackups", in.TableName); err != nil {
		return nil, err
	}
	return []byte(`{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}`), nil
}
