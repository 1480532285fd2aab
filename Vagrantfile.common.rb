# What the machines of Vagrantfile.canary and Vagrantfile.monitor have in common: how each provider makes one of them,
# and where it stands. Settings come from the environment:
#   PIPELINE_LAB_BOX      the box, instead of the provider's own choice
#   PIPELINE_LAB_MEMORY   MB of each host; for one host of Vagrantfile.monitor: PIPELINE_LAB_MEMORY_CHECKBOX, ..._ITRUST,
#                         ..._MONITOR
#   PIPELINE_LAB_CPUS     cores of each host
#   PIPELINE_LAB_SUBNET   first three bytes of the hosts' addresses
#   PIPELINE_LAB_FIRST    last byte of the first host's address; the others follow
#   PIPELINE_LAB_EMULATE  libvirt: set when there is no usable KVM
#   PIPELINE_LAB_PLACE    the folder whose hosts these are, by default the one of this file. `pipeline` sets it: installed
#                         with pip, each working directory has hosts of its own
require "digest"
require "yaml"

# The sets of hosts by name: their sizes, names, addresses.
LAB_SETS = YAML.load_file(File.join(__dir__, "Vagrantfile.hosts.yml"))

# One place's machines of one set. Names and addresses follow from the path of the place (usually a checkout), so two
# places stand side by side and each keeps its own; the sets of one place differ in `beginning` and in `apart`, a step
# in the addresses.
class LabMachines
  def initialize(config, directory, beginning, apart)
    @config = config
    place = Digest::SHA256.hexdigest(File.realpath(ENV.fetch("PIPELINE_LAB_PLACE", directory)))[0, 8]
    @prefix = "#{beginning}#{place}-"
    @place = place.to_i(16) + apart
    @first = Integer(ENV.fetch("PIPELINE_LAB_FIRST", (16 + @place % 56 * 4).to_s))
    @index = 0
    config.vm.box = ENV.fetch("PIPELINE_LAB_BOX", "debian/bookworm64")
    config.vm.box_check_update = false
    config.vm.synced_folder ".", "/vagrant", disabled: true
  end

  # `memory` in MB, as the provider's word => figure; `cpus` may be a fraction where the provider can limit.
  def host(name, memory:, cpus:)
    index = @index
    @index += 1
    @config.vm.define name do |host|
      host.vm.hostname = name
      host.vm.guest = :debian # finding it out costs a dozen SSH calls
      virtualbox(host, index, memory[:vm], cpus)
      libvirt(host, memory[:vm], cpus)
      lxc(host, name, index, memory[:lxc], cpus)
    end
  end

  private

  def virtualbox(host, index, memory, cpus)
    # VirtualBox allows host-only networks in 192.168.56.0/21 without further configuration.
    subnet = ENV.fetch("PIPELINE_LAB_SUBNET", "192.168.#{56 + @place / 56 % 8}")
    host.vm.provider "virtualbox" do |vm, override|
      override.vm.network "private_network", ip: "#{subnet}.#{@first + index}"
      vm.linked_clone = true
      vm.memory = memory
      vm.cpus = cpus.ceil
      vm.customize ["modifyvm", :id, "--cpuexecutioncap", (100 * cpus / cpus.ceil).round.to_s]
    end
  end

  def libvirt(host, memory, cpus)
    host.vm.provider "libvirt" do |vm|
      # No private network: vagrant-libvirt's own joins the hosts already, and libvirt gives the addresses.
      vm.default_prefix = @prefix
      vm.memory = memory
      # Whole processors only, the same for blue and green: vagrant-libvirt knows shares and pinning, but no quota.
      vm.cpus = cpus.ceil
      if ENV["PIPELINE_LAB_EMULATE"] # no usable KVM
        vm.driver = "qemu"
        vm.cpu_mode = "custom"
        vm.cpu_model = "qemu64"
      end
    end
  end

  def lxc(host, name, index, memory, cpus)
    subnet = ENV.fetch("PIPELINE_LAB_SUBNET", "10.0.3") # lxcbr0
    host.vm.provider "lxc" do |container, override|
      override.vm.box = ENV.fetch("PIPELINE_LAB_BOX", own_box)
      override.vm.boot_timeout = 60
      # A container is reached at its own address. Vagrant would keep a lease for the unused port in a folder that all
      # checkouts share, and fail when another one clears it at the same moment.
      override.vm.network "forwarded_port", id: "ssh", guest: 22, host: 2222, disabled: true
      container.container_name = "#{@prefix}#{name}"
      container.tmpfs_mount_size = false
      # The address is there before init runs. The empty one first: vagrant-lxc leaves old lines in the container's
      # configuration, and a start would find the same address twice.
      container.customize "net.0.ipv4.address", ""
      container.customize "net.0.ipv4.address", "#{subnet}.#{@first + index}/24"
      container.customize "net.0.ipv4.gateway", "auto"
      # The same address always with the same MAC: a host that was built anew is not reachable for 11 s otherwise,
      # until the machine has forgotten the old one.
      container.customize "net.0.hwaddr", "00:16:3e:%02x:%02x:%02x" % [@place >> 8 & 255, @place & 255, index]
      if File.exist?("/sys/fs/cgroup/cgroup.controllers")
        container.customize "cgroup2.memory.max", "#{memory}M"
        container.customize "cgroup2.cpu.max", "#{(cpus * 100_000).round} 100000"
      else
        container.customize "cgroup.memory.limit_in_bytes", "#{memory}M"
        container.customize "cgroup.cpu.cfs_period_us", "100000"
        container.customize "cgroup.cpu.cfs_quota_us", (cpus * 100_000).round.to_s
      end
    end
  end

  # The newest box that `pipeline lab box` has built, for those who type `vagrant` themselves.
  def own_box
    vagrant_home = File.expand_path(ENV.fetch("VAGRANT_HOME", "~/.vagrant.d"))
    found = Dir.glob(File.join(vagrant_home, "boxes", "pipeline-VAGRANTSLASH-debian12-lxc-*")).max_by { |box| File.mtime(box) }
    File.basename(found || "pipeline-VAGRANTSLASH-debian12-lxc").sub("-VAGRANTSLASH-", "/")
  end
end
